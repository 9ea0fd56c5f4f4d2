import assert from "node:assert/strict";
import { test } from "node:test";
import { fleetWith } from "../../test/fleet-with.ts";
import { podOf } from "../../test/pod-of.ts";
import type { KubeObject } from "../kube/object.ts";
import { Observed } from "../observed.ts";
import { Metrics } from "../pod-metrics.ts";
import type { ConnectorPod, Fleet } from "./fleet.ts";
import { GateWatch } from "./gate-watch.ts";

const fleetOf = (pods: readonly ConnectorPod[], wanted = 2): Fleet => fleetWith(pods, { wanted });

const STORAGE = new Observed([
  {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "storage-0", namespace: "n", labels: { "app.kubernetes.io/component": "storage" } },
    status: { conditions: [{ type: "Ready", status: "True" }] },
  } as KubeObject,
]);
const storage = (more = "jichat_storage_lag_batches 3\n"): readonly [string, Metrics] => [
  "storage-0",
  new Metrics(
    `jichat_storage_unwritten_seconds 0.4\njichat_storage_tail_bytes 100\njichat_storage_unheard 0\n${more}`,
  ),
];
const connector = (name: string, frames = 100): readonly [string, Metrics] => [
  name,
  new Metrics(`jichat_connector_frames_total{t="hello"} ${frames}\njichat_connector_errors_total 0\n`),
];

/** The closed gates after two looks, five seconds apart. */
function closedWith(fleet: Fleet, told: readonly (readonly [string, Metrics])[], observed = STORAGE) {
  let now = 0;
  const watch = new GateWatch({ monotonic: () => now });
  const early = watch.look("n/chat", fleet, observed, new Map(told));
  now = 5_000;
  const late = watch.look("n/chat", fleet, observed, new Map(told));
  return { early, late, gates: late.map(({ gate }) => gate) };
}

const PODS = [podOf("n-1"), podOf("n-2"), podOf("o-1", { revision: "old" })];
const TOLD = [storage(), ...PODS.map(({ name }) => connector(name))];

test("gates open once connectors were watched for long enough, and not before", () => {
  const { early, late } = closedWith(fleetOf(PODS), TOLD);
  assert.deepEqual(late, []);
  assert.deepEqual(
    early.map(({ gate }) => gate),
    ["ReconnectSuccess", "ReconnectRate", "ErrorRate"],
  );
  assert.match(early[0]?.message ?? "", /has been watched for less than 5 s/);
});

test("half of the new connectors are enough to let old ones go, as for the drains", () => {
  const one = [podOf("n-1"), podOf("n-2", { isReady: false }), podOf("o-1", { revision: "old" })];
  assert.deepEqual(closedWith(fleetOf(one), TOLD).gates, []);
  assert.match(closedWith(fleetOf(one, 3), TOLD).late[0]?.message ?? "", /^1 of 2 new connectors are ready$/);
  assert.deepEqual(closedWith(fleetOf([], 0), TOLD).gates, []);
});

test("drains of others hold it, its own do not", () => {
  const since = 0;
  const gatesFor = (but: Partial<ConnectorPod>) =>
    closedWith(fleetOf([...PODS, podOf("x", { revision: "old", ...but })]), [
      ...TOLD,
      connector("x"),
    ]).late.map(({ message }) => message);
  assert.deepEqual(gatesFor({ mark: { why: "OldRevision", since } }), []);
  assert.deepEqual(gatesFor({ mark: { why: "OldRevision", since }, isEnding: true }), []);
  assert.match(gatesFor({ mark: { why: "Asked", since } })[0] ?? "", /x \(its drain was asked for\)/);
  assert.match(gatesFor({ mark: { why: "ScaleIn", since } })[0] ?? "", /x \(fewer connectors are wanted\)/);
  assert.deepEqual(gatesFor({ mark: { why: "ScaleIn", since }, connections: 0 }), []);
  // A node is drained, or somebody deleted it.
  assert.match(gatesFor({ isEnding: true })[0] ?? "", /x \(it is being deleted\)/);
  assert.deepEqual(gatesFor({ isEnding: true, connections: 0 }), []);
});

test("storage that does not say how far it is holds it, and so does none", () => {
  const only = (told: readonly [string, Metrics]) =>
    closedWith(fleetOf(PODS), [told, ...TOLD.slice(1)]).late.map(
      ({ gate, message }) => `${gate}: ${message}`,
    );
  assert.deepEqual(only(storage("jichat_storage_lag_batches NaN\n")), [
    "StorageLag: storage-0 does not know how far its logs are",
  ]);
  assert.deepEqual(only(["storage-0", new Metrics("")]), [
    "StorageLag: storage-0 does not report its metrics",
  ]);
  assert.deepEqual(
    closedWith(fleetOf(PODS), TOLD, new Observed([])).late.map(({ message }) => message),
    ["no storage is ready"],
  );
});

test("each ChatCluster has its own past, and a forgotten one has none", () => {
  let now = 0;
  const watch = new GateWatch({ monotonic: () => now });
  const look = (key: string) => watch.look(key, fleetOf(PODS), STORAGE, new Map(TOLD)).length;
  look("n/a");
  now = 5_000;
  assert.equal(look("n/a"), 0);
  assert.equal(look("n/b"), 3);
  watch.forget("n/a");
  assert.equal(look("n/a"), 3);
});
