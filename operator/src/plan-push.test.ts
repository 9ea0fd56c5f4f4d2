import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fault } from "@jichat/protocol/faults.ts";
import { PUSH, inputOf } from "../test/input.ts";
import type { Live } from "./ask-pods.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import { groundworkOf } from "./desired/desired.ts";
import { LABELS } from "./desired/names.ts";
import { connectorRevision, deployment, migrationJob } from "./desired/workloads.ts";
import { yes } from "./kube/conditions.ts";
import type { KubeObject } from "./kube/object.ts";
import { Observed } from "./observed.ts";
import type { BackendsSeen, UsersSeen } from "./plan.ts";
import { planOf } from "./plan.ts";
import { statusOf } from "./status.ts";
import { whyNotTalked } from "./talk/finding.ts";

const OK = { state: "ok", message: "" } as const;
const seen = (users?: UsersSeen["state"]): BackendsSeen => ({
  nats: OK,
  redis: OK,
  clickhouse: OK,
  streams: { ok: true, message: "" },
  ...(users === undefined ? {} : { users: { state: users, message: "" } }),
});
const WITH = inputOf({ push: PUSH });
const WITHOUT = inputOf();

const settled = (object: KubeObject, ready = 2): KubeObject =>
  ({ ...object, status: { replicas: 2, readyReplicas: ready, updatedReplicas: 2 } }) as KubeObject;
const migrated = (input: DesiredInput): KubeObject =>
  ({
    ...migrationJob(input),
    status: { conditions: [{ type: "Complete", status: "True" }] },
  }) as unknown as KubeObject;
/** All that a ChatCluster without push has. */
const running = (input = WITHOUT): KubeObject[] => [
  ...(["router", "storage", "api"] as const).map((name) => settled(deployment(input, name))),
  settled(connectorRevision(input, 2)),
  migrated(input),
];
const pushOf = (input: DesiredInput): KubeObject[] => [
  ...groundworkOf(input).filter(({ metadata }) => metadata.labels?.[LABELS.component] === "push"),
  settled(deployment(input, "push")),
];
const names = (objects: readonly KubeObject[]): string[] =>
  objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);

test("workers that are added start once the backends accept their users, and not before", () => {
  const starts = (users?: UsersSeen["state"]): boolean =>
    names(planOf(WITH, new Observed(running()), seen(users)).objects).includes("Deployment chat-push");
  assert.deepEqual(
    [undefined, "late", "unknown", "taken"].map((state) => starts(state as UsersSeen["state"])),
    [false, false, false, true],
  );
  const observed = new Observed([...running(), ...pushOf(WITH)]);
  for (const state of ["late", "unknown", undefined] as const)
    assert.ok(
      names(planOf(WITH, observed, seen(state)).objects).includes("Deployment chat-push"),
      "they run",
    );
});

test("push that is taken out of the spec leaves nothing behind", () => {
  const there = pushOf(WITH);
  const kinds = [
    "Secret",
    "ConfigMap",
    "ServiceAccount",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "Deployment",
  ];
  for (const kind of kinds)
    assert.ok(
      there.some((object) => object.kind === kind),
      kind,
    );
  const { removals } = planOf(WITHOUT, new Observed([...running(), ...there]), seen("taken"));
  assert.deepEqual(names(removals).sort(), names(there).sort());
  const kept = planOf(WITH, new Observed([...running(), ...there]), seen("taken"));
  assert.deepEqual(kept.removals, []);
});

test("a version that waits for its schema starts no workers of the version before", () => {
  const next = { ...WITH, version: "2.0.0" };
  const components = (observed: readonly KubeObject[]): string[] =>
    names(planOf(next, new Observed(observed.filter(({ kind }) => kind !== "Job")), seen("taken")).objects);
  assert.ok(!components(running()).includes("Deployment chat-push"));
  assert.ok(components([...running(), ...pushOf(WITH)]).includes("Deployment chat-push"));
});

const QUIET: Live = {
  connections: 1,
  partitionsServed: 16,
  partitionsOwned: [],
  faults: [],
  silent: [],
  levels: new Map(),
};
function statusWith(input: DesiredInput, objects: readonly KubeObject[], faults: readonly Fault[] = []) {
  const observed = new Observed(objects);
  const backends = seen("taken");
  const status = statusOf({
    input,
    observed,
    backends,
    plan: planOf(input, observed, backends),
    unserved: [],
    live: { ...QUIET, faults },
    talk: yes("Talked"),
    level: { finding: yes("Newest") },
    refused: [],
    changed: [],
    now: new Date(0),
  });
  const condition = (type: string): string => {
    const { status: is, reason, message } = status.conditions.find((one) => one.type === type) ?? {};
    return `${is} ${reason} ${message}`;
  };
  return { status, condition };
}

test("the status counts workers where there are any, and Ready waits for them", () => {
  const whole = statusWith(WITH, [...running(), ...pushOf(WITH)]);
  assert.deepEqual(whole.status.push, { wanted: 2, ready: 2, updated: 2 });
  assert.match(whole.condition("Ready"), /^True AllReady .*push 2\/2/);
  const short = statusWith(WITH, [...running(), settled(deployment(WITH, "push"), 1)]);
  assert.match(short.condition("Ready"), /^False ComponentsNotReady push 1\/2$/);
  assert.match(short.condition("Progressing"), /^True RollingOut push 1\/2/);
  const none = statusWith(WITHOUT, running());
  assert.equal(none.status.push, undefined);
  assert.match(
    none.condition("Ready"),
    /^True AllReady connector 2\/2, router 2\/2, storage 2\/2, api 2\/2$/,
  );
});

test("credentials that workers cannot use make the ChatCluster Degraded by name, and people go on talking", () => {
  const fault: Fault = { fault: "PushCredentialsRefused", partitions: [], why: "apns: InvalidProviderToken" };
  const { condition } = statusWith(WITH, [...running(), ...pushOf(WITH)], [fault]);
  assert.match(
    condition("Degraded"),
    /^True PushCredentialsRefused PushCredentialsRefused: apns: InvalidProviderToken; correct the Secret/,
  );
  assert.match(condition("Ready"), /^True/);
});

test("the operator talks in a new ChatCluster whether workers are there or not", () => {
  assert.equal(whyNotTalked(WITH, new Observed(running()), false), undefined);
});
