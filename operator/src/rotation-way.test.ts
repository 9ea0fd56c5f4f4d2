import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { PUSH, KEYS, templatesOf, inputOf } from "../test/input.ts";
import { secrets } from "./desired/resources.ts";
import type { Keys } from "./desired/keys.ts";
import { keysOf, newGeneration } from "./desired/keys.ts";
import type { Component } from "./desired/names.ts";
import { labelsOf } from "./desired/names.ts";
import { GENERATION_ANNOTATION } from "./desired/pods.ts";
import { advanced, keysFor } from "./desired/rotation.ts";
import { serversOf } from "./desired/desired.ts";
import { usersPrint } from "./desired/users.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import type { Workload } from "./desired/workloads.ts";
import { connectorRevision, deployment } from "./desired/workloads.ts";
import type { KubeObject } from "./kube/object.ts";
import { Observed } from "./observed.ts";
import { rotated, waitingServers, wayOf } from "./rotation-way.ts";

const OK = { state: "ok", message: "" } as const;
const seenWith = (users?: { state: "taken" | "late" | "unknown"; message: string }) => ({
  nats: OK,
  redis: OK,
  clickhouse: OK,
  streams: undefined,
  ...(users === undefined ? {} : { users }),
});
const TAKEN = seenWith({ state: "taken", message: "" });
const { lives } = KEYS;
const offered = keysFor(KEYS, "now", { lives, now: 0 });
const step = (keys: Keys): Keys => advanced(keys, { isTaken: true, isInPods: true }, lives, 0);
const toStorage = step(offered);
const toRouter = step(toStorage);
const toPush = step(toRouter);
const toApi = step(toPush);
const connected = step(toApi);
const used = step(connected);
const of = (keys: Keys, spec: object = {}): DesiredInput => {
  const input = inputOf(spec, { keys });
  const { metadata } = input.cluster;
  const annotations = { "chat.jichat.io/rotate": "now" };
  return { ...input, cluster: { ...input.cluster, metadata: { ...metadata, annotations } } };
};

const settled = (object: Workload): Workload => {
  const replicas = object.spec.replicas ?? 0;
  return { ...object, status: { replicas, readyReplicas: replicas, updatedReplicas: replicas } };
};
const deploymentsOf = (input: DesiredInput): Workload[] =>
  [
    ...(["router", "storage", "api"] as const).map((name) => deployment(input, name)),
    connectorRevision(input, 2),
  ].map(settled);
const pod = (role: Component | "nats" | "migrate", generation?: number, phase = "Running"): KubeObject =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${role}-${generation}`,
      namespace: "people",
      labels: labelsOf(inputOf().cluster, role),
      annotations: generation === undefined ? {} : { [GENERATION_ANNOTATION]: String(generation) },
    },
    status: { phase },
  }) as KubeObject;

test("a rotation counts as in the pods once no earlier pod is left, drained ones included", () => {
  const input = of(connected);
  const pods = (["connector", "router", "storage", "api"] as const).map((role) => pod(role, 2));
  const isIn = (...objects: KubeObject[]): boolean => wayOf(input, new Observed(objects), TAKEN).isInPods;
  const whole = [...deploymentsOf(input), ...pods];
  assert.ok(isIn(...whole));
  assert.ok(!isIn(...whole, pod("connector", 1)), "one drains");
  assert.ok(!isIn(...whole, pod("storage")), "of an operator before");
  assert.ok(!isIn(...whole, pod("migrate")), "the Job runs");
  assert.ok(isIn(...whole, pod("migrate", undefined, "Succeeded"), pod("router", 1, "Failed")));
  assert.ok(!isIn(...whole.slice(1)), "a Deployment is not there");
  assert.ok(!isIn(...deploymentsOf(of(offered)), ...pods), "Deployments would make pods of before");
  const unsettled = deploymentsOf(input).map((object) => ({ ...object, status: { replicas: 3 } }));
  assert.ok(!isIn(...unsettled, ...pods));
  const old = { ...connectorRevision(of(KEYS), 0), status: { replicas: 0 } };
  assert.ok(isIn(...whole, old), "an earlier revision without a pod");
});

test("a rotation with external backends changes connectors and api, and not routers and storage", () => {
  const url = { external: { url: "nats://a.example:4222" } };
  const spec = { nats: url, redis: url, clickhouse: { external: { url: "http://a.example:1" } } };
  const [before, after] = [of(KEYS, spec), of(connected, spec)];
  assert.deepEqual(deployment(after, "router"), deployment(before, "router"));
  assert.deepEqual(deployment(after, "storage"), deployment(before, "storage"));
  assert.notDeepEqual(deployment(after, "api"), deployment(before, "api"));
  assert.notEqual(connectorRevision(after, 1).metadata.name, connectorRevision(before, 1).metadata.name);
  const pods = [pod("connector", 2), pod("api", 2), pod("router"), pod("storage")];
  assert.ok(wayOf(after, new Observed([...deploymentsOf(after), ...pods]), TAKEN).isInPods);
});

test("a rotation restarts no server, and replaces pods once, for the new credentials", () => {
  const made = (keys: Keys): unknown[] => [...serversOf(of(keys)), ...deploymentsOf(of(keys))];
  assert.deepEqual(serversOf(of(connected)), serversOf(of(KEYS)));
  assert.deepEqual(made(offered), made(KEYS));
  assert.notDeepEqual(made(connected), made(KEYS));
  assert.deepEqual(made(used), made(connected), "signing with it makes no pod anew");
  const others = keysOf(newGeneration("", 1), lives);
  const templates = (keys: Keys): string[] =>
    templatesOf(serversOf(of(keys))).map((one) => JSON.stringify(one));
  const kept = new Set(templates(KEYS));
  assert.deepEqual(
    templates(others).filter((template) => kept.has(template)),
    [],
    "servers know nobody of keys that were lost and made again",
  );
});

test("pods are replaced one component after the other, and each step waits for its own", () => {
  const made = (keys: Keys): string[] =>
    (["storage", "router", "api"] as const)
      .filter((name) => !isDeepStrictEqual(deployment(of(keys), name), deployment(of(KEYS), name)))
      .concat(
        connectorRevision(of(keys), 1).metadata.name === connectorRevision(of(KEYS), 1).metadata.name
          ? []
          : ["connector" as never],
      );
  assert.deepEqual([offered, toStorage, toRouter, toPush, toApi, connected].map(made), [
    [],
    ["storage"],
    ["storage", "router"],
    ["storage", "router"], // There is no push here, and nothing to wait for.
    ["storage", "router", "api"],
    ["storage", "router", "api", "connector"],
  ]);
  const isIn = (keys: Keys, generations: readonly number[]): boolean => {
    const pods = (["storage", "router", "api", "connector"] as const).map((role, at) =>
      pod(role, generations[at]),
    );
    return wayOf(of(keys), new Observed([...deploymentsOf(of(keys)), ...pods]), TAKEN).isInPods;
  };
  assert.ok(isIn(toRouter, [2, 2, 1, 1]));
  assert.ok(!isIn(toRouter, [2, 1, 1, 1]));
});

test("push workers are replaced in their turn, and the rotation waits for them", () => {
  const made = (keys: Keys): Workload => deployment(of(keys, { push: PUSH }), "push");
  assert.deepEqual(made(toRouter), made(KEYS));
  assert.notDeepEqual(made(toPush), made(KEYS));
  const isIn = (generation: number): boolean => {
    const input = of(toPush, { push: PUSH });
    const pods = (["storage", "router"] as const).map((role) => pod(role, 2));
    const rest = (["api", "connector"] as const).map((role) => pod(role, 1));
    const objects = [...deploymentsOf(input), settled(deployment(input, "push")), ...pods, ...rest];
    return wayOf(input, new Observed([...objects, pod("push", generation)]), TAKEN).isInPods;
  };
  assert.deepEqual([isIn(1), isIn(2)], [false, true]);
});

test("the status says what a rotation waits for, and when nothing earlier is in use", () => {
  const nobody = new Observed([]);
  const say = (keys: Keys, seen = TAKEN): string => {
    const { status, reason } = rotated(of(keys), nobody, seen);
    return `${status} ${reason}`;
  };
  const late = seenWith({ state: "late", message: "NATS: chat-nats-0 has not read its users yet" });
  assert.equal(say(offered, late), "False BackendsAreTold");
  assert.match(rotated(of(offered), nobody, late).message, /chat-nats-0/);
  assert.equal(say(connected), "False PodsAreReplaced");
  assert.equal(say(used, late), "False BackendsAreTold", "those of before are still let in");
  assert.equal(say(used, seenWith({ state: "unknown", message: "" })), "Unknown NotAnswered");
  assert.equal(say(used, seenWith()), "Unknown NotAskedYet");
  assert.equal(say(used), "True InUse");
  const key = { key: "", replacedAt: 0, until: 9_000 };
  const many = { ...KEYS, earlierClusterKeys: Array.from({ length: 100 }, () => key) };
  assert.equal(say(many), "False TooManyKeys");
});

test("the kubelet of a server is woken once per server when its Secret holds the wanted users", () => {
  const input = of(offered);
  const wanted = secrets(input);
  const server = pod("nats");
  const woken = (...objects: KubeObject[]): object[] =>
    waitingServers(input, new Observed(objects), wanted).map(({ patch }) => patch);
  assert.deepEqual(woken(server), [], "its Secret is not seen yet");
  assert.deepEqual(woken(server, ...secrets(of(KEYS))), [], "its Secret is of before");
  const annotations = { "chat.jichat.io/users": usersPrint(input, "nats") };
  assert.deepEqual(woken(server, ...wanted), [{ metadata: { annotations } }]);
  const told = { ...server, metadata: { ...server.metadata, annotations } };
  assert.deepEqual(woken(told, ...wanted), []);
});
