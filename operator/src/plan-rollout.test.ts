import assert from "node:assert/strict";
import { test } from "node:test";
import { connectorPods, inputOf } from "../test/input.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import type { Workload } from "./desired/workloads.ts";
import { connectorRevision, deployment, migrationJob } from "./desired/workloads.ts";
import type { KubeObject } from "./kube/object.ts";
import { Observed } from "./observed.ts";
import type { Plan } from "./plan.ts";
import { planOf } from "./plan.ts";
import { revisionOf } from "./scale/revisions.ts";
import type { Phase, Rollout } from "./scale/rollout-state.ts";
import { backing, begun, blocked, entering } from "./scale/rollout-state.ts";

const OK = { state: "ok", message: "" } as const;
const BACKENDS = { nats: OK, redis: OK, clickhouse: OK, streams: { ok: true, message: "" } };
/** The registry changes with the version, and so do routers' replicas: what is no image counts at once. */
const OLD = inputOf({}, { version: "1.2.0" });
const NEW = inputOf(
  { image: { registry: "elsewhere.example", pullPolicy: "IfNotPresent" }, routers: { replicas: 5 } },
  { version: "1.3.0" },
);
const [FROM, TO] = [connectorRevision(OLD, 2), connectorRevision(NEW, 2)];
const named = (input: DesiredInput, object: Workload) => ({
  version: input.version,
  revision: revisionOf(object),
});
const at = (phase: Phase): Rollout => entering(begun(named(OLD, FROM), named(NEW, TO), 0), phase, 0);

const settled = (object: Workload): Workload => {
  const { replicas = 0 } = object.spec;
  return { ...object, status: { replicas, readyReplicas: replicas, updatedReplicas: replicas } };
};
const done = (input: DesiredInput): KubeObject =>
  ({
    ...migrationJob(input),
    status: { conditions: [{ type: "Complete", status: "True" }] },
  }) as unknown as KubeObject;
/** All of the old version, serving; and the Job of the new one. */
const RUNNING: readonly KubeObject[] = [
  ...(["router", "storage", "api"] as const).map((name) => settled(deployment(OLD, name))),
  settled(FROM),
  ...connectorPods(FROM, 2),
  done(OLD),
  done(NEW),
];

const planIn = (rollout: Rollout, more: readonly KubeObject[] = [], input = NEW): Plan =>
  planOf(input, new Observed([...RUNNING, ...more]), BACKENDS, { rollout });

/** The images and replicas of the Deployments that are applied. */
const applied = ({ objects }: Plan): Record<string, string> =>
  Object.fromEntries(
    objects
      .filter(({ kind, metadata }) => kind === "Deployment" && metadata.name !== "chat-redis")
      .map((object) => {
        const { metadata, spec } = object as Workload;
        const name = metadata.name.replace(revisionOf(FROM), "old").replace(revisionOf(TO), "new");
        return [name, `${spec.replicas} × ${spec.template.spec.containers[0]?.image}`];
      }),
  );

const HELD = {
  "chat-storage": "2 × ghcr.io/jichat/storage:1.2.0",
  "chat-router": "5 × ghcr.io/jichat/router:1.2.0",
  "chat-api": "2 × ghcr.io/jichat/api:1.2.0",
  "chat-connector-old": "2 × ghcr.io/jichat/connector:1.2.0",
};
const RAISED = {
  "chat-storage": "2 × elsewhere.example/storage:1.3.0",
  "chat-router": "5 × elsewhere.example/router:1.3.0",
  "chat-api": "2 × elsewhere.example/api:1.3.0",
};
const jobs = ({ objects }: Plan): number => objects.filter(({ kind }) => kind === "Job").length;

test("until the canary is proven every component is of the version that serves, and is scaled", () => {
  assert.deepEqual(applied(planIn(at("Preflight"))), HELD);
  assert.deepEqual(applied(planIn(at("Migrating"))), HELD);
  assert.deepEqual([jobs(planIn(at("Preflight"))), jobs(planIn(at("Migrating")))], [0, 1]);
  for (const phase of ["Canary", "Waiting"] as const)
    assert.deepEqual(applied(planIn(at(phase))), {
      ...HELD,
      "chat-canary": "1 × elsewhere.example/connector:1.3.0",
    });
});

test("a canary is removed once it is not wanted, and no Job is while a rollout may need it", () => {
  const canary = planIn(at("Canary")).objects.find(
    ({ kind, metadata }) => kind === "Deployment" && metadata.name === "chat-canary",
  );
  assert.ok(canary !== undefined);
  for (const phase of ["Backends", "RollingBack", "RolledBack", "Preflight"] as const) {
    const names: ReadonlySet<string> = new Set(
      planIn(at(phase), [canary]).removals.map(({ metadata }) => metadata.name),
    );
    assert.ok(names.has("chat-canary"), phase);
    const isForward = phase === "Backends";
    const job = migrationJob(OLD)?.metadata.name ?? "";
    assert.equal(names.has(job), isForward, `${phase}: the Job of the old version`);
  }
});

test("first the other components, then the connectors: new ones beside the old ones", () => {
  const backends = applied(planIn(at("Backends")));
  assert.deepEqual(backends, { ...RAISED, "chat-connector-old": HELD["chat-connector-old"] });
  const connectors = applied(planIn(at("Connectors")));
  assert.deepEqual(connectors, {
    ...backends,
    "chat-connector-new": "2 × elsewhere.example/connector:1.3.0",
  });
});

test("a closed gate keeps the old connectors in the Service, however many new ones are ready", () => {
  const there = [settled(TO), ...connectorPods(TO, 2)];
  const marked = (rollout: Rollout): number =>
    planIn(rollout, there).drains.acts.filter(({ does }) => does === "mark").length;
  assert.equal(marked(at("Connectors")), 2);
  assert.equal(marked(blocked(at("Connectors"), "ErrorRate", "too many errors")), 0);
});

test("the old Deployment stays until the soak is over, with no replicas", () => {
  const gone = { ...FROM, spec: { ...FROM.spec, replicas: 0 }, status: { replicas: 0 } };
  const planWith = (phase: Phase): Plan => {
    const others = RUNNING.filter(
      ({ kind, metadata }) => kind !== "Pod" && metadata.name !== gone.metadata.name,
    );
    const observed = new Observed([...others, gone, settled(TO), ...connectorPods(TO, 2)]);
    return planOf(NEW, observed, BACKENDS, { rollout: at(phase) });
  };
  for (const phase of ["Connectors", "Soaking"] as const) {
    assert.match(applied(planWith(phase))["chat-connector-old"] ?? "", /^0 × /, phase);
    assert.ok(!planWith(phase).removals.some(({ metadata }) => metadata.name === gone.metadata.name), phase);
  }
  assert.ok(planWith("Done").removals.some(({ metadata }) => metadata.name === gone.metadata.name));
});

test("taken back, every component is of the version that served, and the connectors that left come back", () => {
  const there = [settled(TO), ...connectorPods(TO, 2)];
  const annotations = {
    "chat.jichat.io/drain": '{"why":"OldRevision","since":"2026-03-03T00:00:00Z"}',
  };
  const leaving = RUNNING.map((object) =>
    object.kind === "Pod" ? { ...object, metadata: { ...object.metadata, annotations } } : object,
  );
  const rollout = backing(at("Connectors"), "too many errors", 0);
  const plan = planOf(NEW, new Observed([...leaving, ...there]), BACKENDS, { rollout });
  assert.deepEqual(applied(plan), {
    ...HELD,
    "chat-connector-new": "2 × elsewhere.example/connector:1.3.0",
  });
  const undone = plan.drains.acts.filter(({ does }) => does === "undo").map(({ pod }) => pod);
  assert.equal(undone.length, 2);
  const rested = planIn({ ...rollout, phase: "RolledBack" });
  assert.deepEqual(applied(rested), HELD);
  assert.equal(jobs(rested), 0, "no schema is brought up for a version that was taken back");
});
