import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { fleetWith } from "../../test/fleet-with.ts";
import { inputOf } from "../../test/input.ts";
import { podOf } from "../../test/pod-of.ts";
import { canaryDeployment } from "../desired/canary.ts";
import type { KubeObject } from "../kube/object.ts";
import { Observed } from "../observed.ts";
import { Metrics } from "../pod-metrics.ts";
import type { Way } from "../talk/way.ts";
import { rolloutJudges } from "./rollout-judges.ts";

const INPUT = inputOf();
const KEY = "people/chat";
const OBSERVED = new Observed([
  {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "chat-canary-1",
      namespace: "people",
      uid: "u",
      labels: canaryDeployment(INPUT).spec.template.metadata.labels,
    },
    status: { podIP: "10.0.0.7", conditions: [{ type: "Ready", status: "True" }] },
  } as unknown as KubeObject,
]);
const FLEET = fleetWith([podOf("a")]);
const TOLD = new Map([
  ["a", new Metrics("jichat_connector_frames_total 1\njichat_connector_errors_total 0\n")],
]);

test("canaries are asked with the credentials that talks use there, and what is forgotten begins anew", async () => {
  const clock = new HandClock();
  const ways: Way[] = [];
  const credentials: Way["credentials"] = [{ clusterKey: "present" }, { clusterKey: "before" }];
  const judges = rolloutJudges({
    clock,
    talk: async (plan) => {
      ways.push(plan);
      return { outcome: "ok", why: "", ms: 1, nextPartition: 0 };
    },
    talks: { way: () => ({ url: "ws://service/v1/ws", trust: [], credentials, partitions: 4 }) },
  });
  assert.equal(judges.canary(KEY, INPUT, OBSERVED).state, "proving");
  for (let at = 0; at < 20; at += 1) await turn();
  assert.deepEqual(
    ways.map((way) => [way.url, way.credentials]),
    ["ws://service/v1/ws", "ws://10.0.0.7:8081/v1/ws", "ws://service/v1/ws"].map((url) => [url, credentials]),
  );
  assert.match(judges.canary(KEY, INPUT, OBSERVED).message, /1 of 3 rounds/);
  judges.forgetCanary(KEY);
  assert.match(judges.canary(KEY, INPUT, OBSERVED).message, /has not talked yet/);

  const gates = () => judges.gates(KEY, FLEET, OBSERVED, TOLD).map(({ gate }) => gate);
  const unknown = ["ReconnectSuccess", "ReconnectRate", "ErrorRate", "StorageLag"];
  assert.deepEqual(gates(), unknown);
  clock.at += 5_000;
  assert.deepEqual(gates(), ["StorageLag"]);
  judges.forget(KEY);
  assert.match(judges.canary(KEY, INPUT, OBSERVED).message, /has not talked yet/);
  assert.deepEqual(gates(), unknown);
  judges.stop();
});
