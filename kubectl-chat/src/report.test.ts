import assert from "node:assert/strict";
import { test } from "node:test";
import { gaugeOf, ranges, report, table } from "./report.ts";

const pod = (name: string, component: string, more: object = {}) => ({
  name,
  component,
  state: "Ready",
  restarts: 0,
  metrics: undefined,
  partitions: undefined,
  ...more,
});

const told = {
  name: "chat",
  namespace: "people",
  spec: { partitions: 8 },
  status: {
    version: "0.1.0",
    conditions: [{ type: "Ready", status: "True", reason: "AllReady", message: "connector 1/1" }],
    endpoints: { ws: ["ws://chat/v1/ws"], api: ["http://chat"] },
  },
  pods: [
    pod("c-1", "connector", { metrics: 'jichat_connector_sockets{otel_scope_name="jichat"} 41\n' }),
    pod("r-1", "router", { partitions: [0, 1, 2, 5] }),
    pod("s-1", "storage", { partitions: [0], metrics: "jichat_storage_lag_batches 3\n" }),
  ],
};

test("the report has connections, owners and lag, and the partitions without an owner", () => {
  const text = report(told);
  assert.match(text, /people\/chat, version 0\.1\.0: Ready/);
  assert.match(text, /c-1 +connector +Ready +0 +41 connections/);
  assert.match(text, /r-1 .* owns 0-2, 5/);
  assert.match(text, /s-1 .* owns 0; 3 batches behind/);
  assert.match(text, /Partitions without an owner: 3-4, 6-7/);
});

test("the report says who is to go, why, and how many devices are left", () => {
  const deadline = "2026-03-03T00:01:00.000Z";
  const drains = [
    { pod: "c-1", why: "OldRevision", phase: "Drains", deadline, connections: 7 },
    { pod: "c-2", why: "Asked", phase: "Leaves" },
    { pod: "c-3", why: "ScaleIn", phase: "Leaves", connections: 9, waitsFor: "5 s of rest" },
  ];
  const text = report({ ...told, status: { ...told.status, drains } });
  assert.match(
    text,
    /^c-1 drains, since a newer revision has taken over: 7 connections left until 2026-03-03T00:01:00\.000Z$/m,
  );
  assert.match(text, /^c-2 leaves, since it was asked for: \? connections left$/m);
  assert.match(text, /^c-3 leaves, since fewer are wanted: 9 connections left; waits for 5 s of rest$/m);
});

test("the report says how many pods load asks for, and why", () => {
  const autoscaler = {
    connectors: {
      desired: 4,
      reason: "Connections",
      message: "2500 connections, and 700 for each connector",
      since: "2026-03-03T00:00:00.000Z",
    },
  };
  const text = report({ ...told, status: { ...told.status, autoscaler } });
  assert.match(
    text,
    /^Autoscaler wants 4 connectors, since 2026-03-03T00:00:00\.000Z: Connections: 2500 connections, and 700/m,
  );
  assert.doesNotMatch(text, /routers, since/);
});

test("a pod that does not answer is a question mark, and its partitions do not count as ownerless", () => {
  const text = report({ ...told, pods: [pod("c-1", "connector"), pod("r-1", "router")] });
  assert.match(text, /c-1 .* \? connections/);
  assert.match(text, /r-1 .* owns \?/);
  assert.doesNotMatch(text, /without an owner/);
});

test("an unknown lag of storage is not shown as a number", () => {
  const metrics = 'jichat_storage_lag_batches{otel_scope_name="jichat"} NaN\njichat_storage_unheard 1\n';
  const text = report({ ...told, pods: [pod("s-1", "storage", { partitions: [0], metrics })] });
  assert.match(text, /s-1 .* owns 0; \? batches behind/);
});

test("the report says if no operator has observed the ChatCluster yet", () => {
  const text = report({ ...told, status: { keeper: "ops/one" }, spec: { paused: true }, pods: [] });
  assert.match(text, /kept by operator ops\/one/);
  assert.match(text, /not ready \(no status yet: does the operator run\?\)/);
  assert.match(text, /paused: nothing is changed until `kubectl chat resume`/);
});

const pushMetrics = (queued: number, dead: number, open: Readonly<Record<string, number>>) =>
  [
    'jichat_push_partitions{otel_scope_name="jichat"} 4',
    `jichat_push_queued{otel_scope_name="jichat"} ${queued}`,
    'jichat_push_in_flight{otel_scope_name="jichat"} 7',
    'jichat_push_later{otel_scope_name="jichat"} 3',
    `jichat_push_dead_total{provider="fcm",otel_scope_name="jichat"} ${dead}`,
    'jichat_push_dead_total{provider="apns",otel_scope_name="jichat"} 0',
    ...Object.entries(open).map(
      ([provider, value]) =>
        `jichat_push_circuits_open{provider="${provider}",otel_scope_name="jichat"} ${value}`,
    ),
    "",
  ].join("\n");

test("the report has what is queued for push, the providers that are down, and dead letters", () => {
  const text = report({
    ...told,
    pods: [
      pod("p-1", "push", { metrics: pushMetrics(12, 2, { fcm: 0, apns: 1 }) }),
      pod("p-2", "push", { metrics: pushMetrics(30, 1, { fcm: 0, apns: 0 }) }),
    ],
  });
  assert.match(text, /p-1 +push .* 4 partitions; 12 queued, 7 in flight/);
  assert.match(text, /Push: 42 messages queued; 3 notifications wait for their provider; 3 dead letters/);
  assert.match(text, /not asked now.*: apns$/m);
});

test("a push worker that does not answer, or does not know, is a question mark and no number", () => {
  const metrics = pushMetrics(12, 2, { fcm: 0 }).replace(/queued(\{.*\}) 12/, "queued$1 NaN");
  const text = report({ ...told, pods: [pod("p-1", "push", { metrics }), pod("p-2", "push")] });
  assert.match(text, /p-1 +push .* 4 partitions; \? queued/);
  assert.match(text, /p-2 +push .* \? partitions/);
  assert.match(text, /Push: \? messages queued; 3 notifications wait .*; \? dead letters/);
  assert.doesNotMatch(text, /not asked now/);
  assert.doesNotMatch(report(told), /Push:/);
});

test("ranges, gauges and tables have their forms", () => {
  assert.equal(ranges([]), "");
  assert.equal(ranges([3, 1, 2, 7]), "1-3, 7");
  assert.equal(gaugeOf("a_total 1\na 2.5e+3\n", "a"), 2_500);
  assert.equal(gaugeOf("b 1", "a"), undefined);
  assert.deepEqual(
    table([
      ["a", "b"],
      ["ccc", "d"],
    ]),
    ["a    b", "ccc  d"],
  );
});
