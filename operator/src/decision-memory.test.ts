import assert from "node:assert/strict";
import { test } from "node:test";
import { inputOf } from "../test/input.ts";
import type { ChatClusterStatus } from "./crd/status.ts";
import { DecisionMemory } from "./decision-memory.ts";

const { cluster: CLUSTER } = inputOf();
const statusOf = (desired: number, rebalanced?: string): ChatClusterStatus => ({
  observedGeneration: 1,
  conditions: [],
  connectors: { wanted: desired, ready: 2, updated: 2 },
  autoscaler: {
    connectors: { desired, reason: "Connections", message: "many", since: "2026-01-01T00:00:00.000Z" },
  },
  ...(rebalanced === undefined ? {} : { rebalanced }),
});

test("a pass goes on from the decision that was written last, whatever the watch has", () => {
  const memory = new DecisionMemory();
  const late = { ...CLUSTER, status: statusOf(2) };
  assert.equal(memory.over(late), late, "a new process has the status alone");
  memory.wrote(CLUSTER, statusOf(5, "x"));
  const { status } = memory.over(late);
  assert.equal(status.autoscaler?.connectors?.desired, 5);
  assert.equal(status.rebalanced, "x");
  assert.equal(status.connectors?.ready, 2, "all else is as the watch has it");
  memory.wrote(CLUSTER, { observedGeneration: 1, conditions: [] });
  assert.equal(memory.over(late).status.autoscaler, undefined, "it was taken out of the spec");
});

test("another ChatCluster of the same name begins anew, and what is gone is forgotten", () => {
  const memory = new DecisionMemory();
  memory.wrote(CLUSTER, statusOf(5));
  const next = { ...CLUSTER, metadata: { ...CLUSTER.metadata, uid: "another" }, status: statusOf(2) };
  assert.equal(memory.over(next), next);
  const key = `${CLUSTER.metadata.namespace}/${CLUSTER.metadata.name}`;
  assert.deepEqual(
    memory.states().map(({ key: of, component, told, ready }) => [of, component, told.desired, ready]),
    [[key, "connectors", 5, 2]],
  );
  memory.forget(key);
  assert.deepEqual(memory.states(), []);
});
