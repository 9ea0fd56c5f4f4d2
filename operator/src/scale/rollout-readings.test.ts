import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterOf } from "../../test/input.ts";
import type { ChatCluster } from "../crd/definition.ts";
import { blockedReadings, phaseReadings } from "./rollout-readings.ts";

const cluster = (name: string, phase?: string, ...gates: readonly string[]): ChatCluster => {
  const blockedBy = gates.map((gate) => ({ gate, message: "because" }));
  const status = phase === undefined ? {} : { rollout: { phase, blockedBy } };
  return { ...clusterOf({}, name), status } as unknown as ChatCluster;
};

test("gauges tell the phase of each rollout, and each gate once", () => {
  const clusters = [
    clusterOf({}, "none"),
    cluster("new"),
    cluster("a", "Connectors", "StorageLag", "ErrorRate", "StorageLag"),
    cluster("b", "RolledBack"),
  ];
  assert.deepEqual(
    phaseReadings(clusters).map(({ attributes }) => attributes),
    [
      { chat_cluster: "people/a", phase: "Connectors" },
      { chat_cluster: "people/b", phase: "RolledBack" },
    ],
  );
  assert.deepEqual(blockedReadings(clusters), [
    { value: 1, attributes: { chat_cluster: "people/a", gate: "StorageLag" } },
    { value: 1, attributes: { chat_cluster: "people/a", gate: "ErrorRate" } },
  ]);
});
