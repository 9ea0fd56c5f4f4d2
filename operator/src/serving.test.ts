import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterOf, connectorPods, inputOf } from "../test/input.ts";
import { serversOf } from "./desired/desired.ts";
import { labelsOf } from "./desired/names.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import type { Workload } from "./desired/workloads.ts";
import { connectorRevision, deployment, migrationJob } from "./desired/workloads.ts";
import type { KubeObject } from "./kube/object.ts";
import { Observed } from "./observed.ts";
import { planOf } from "./plan.ts";
import { NOTHING_TOLD } from "./scale/read-fleet.ts";
import { connectorsOf } from "./scale/revisions.ts";
import { pullFailures, stuckServers, tellPulls, versionServing } from "./serving.ts";
import type { Live } from "./ask-pods.ts";
import { yes } from "./kube/conditions.ts";
import { failedStatus, statusOf } from "./status.ts";

const OK = { state: "ok", message: "" } as const;
const BACKENDS = { nats: OK, redis: OK, clickhouse: OK, streams: { ok: true, message: "" } };
const NOW = new Date("2026-03-03T00:00:00Z");
const OLD = inputOf({}, { version: "1.0.0" });
const NEW = inputOf();

const pod = (
  name: string,
  component: string,
  image: string,
  isReady: boolean,
  waiting?: string,
): KubeObject =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "people", labels: labelsOf(OLD.cluster, component) },
    spec: { containers: [{ name: component, image }] },
    status: {
      conditions: [{ type: "Ready", status: isReady ? "True" : "False" }],
      containerStatuses: [
        { name: component, image, state: waiting === undefined ? {} : { waiting: { reason: waiting } } },
      ],
    },
  }) as KubeObject;

const serving = (object: Workload, ready: number, replicas = object.spec.replicas ?? 0): Workload => ({
  ...object,
  spec: { ...object.spec, replicas },
  status: { replicas, readyReplicas: ready, updatedReplicas: replicas },
});

const done = (input: DesiredInput): KubeObject =>
  ({
    ...migrationJob(input),
    status: { conditions: [{ type: "Complete", status: "True" }] },
  }) as unknown as KubeObject;

/** All of the old version, serving. */
const running = (): KubeObject[] => [
  ...(["router", "storage", "api"] as const).map((name) => serving(deployment(OLD, name), 2)),
  serving(connectorRevision(OLD, 2), 2),
];

const imagesOf = (objects: readonly KubeObject[]): string[] =>
  objects
    .filter(({ kind, metadata }) => kind === "Deployment" && metadata.name !== "chat-redis")
    .map((object) => (object as Workload).spec.template.spec.containers[0]?.image ?? "")
    .map((image) => image.split("/").at(-1) ?? "");

test("the old version is kept, scaled and repaired while the schema of a new version is missing", () => {
  const routers = { ...NEW.cluster.spec.routers, replicas: 5 };
  const input: DesiredInput = {
    ...NEW,
    cluster: {
      ...NEW.cluster,
      spec: {
        ...NEW.cluster.spec,
        routers,
        image: { registry: "broken.example", pullPolicy: "IfNotPresent" },
      },
    },
  };
  const observed = new Observed(running().filter(({ metadata: { name } }) => name !== "chat-api"));
  const plan = planOf(input, observed, BACKENDS);
  assert.match(plan.waitsFor ?? "", /schema/);
  assert.deepEqual(imagesOf(plan.objects).sort(), [
    "api:1.0.0",
    "connector:1.0.0",
    "router:1.0.0",
    "storage:1.0.0",
  ]);
  const find = (name: string): Workload | undefined =>
    plan.objects.find(({ kind, metadata }) => kind === "Deployment" && metadata.name === name) as
      | Workload
      | undefined;
  assert.equal(find("chat-router")?.spec.replicas, 5);
  assert.match(
    find("chat-api")?.spec.template.spec.containers[0]?.image ?? "",
    /^ghcr\.io\/jichat\/api:1\.0\.0$/,
  );
  const job = plan.objects.find(({ kind }) => kind === "Job");
  assert.equal(job?.metadata.name, migrationJob(input)?.metadata.name, "and the new schema is tried");

  const after = planOf(NEW, new Observed([...running(), done(NEW)]), BACKENDS);
  assert.equal(after.waitsFor, undefined);
  assert.ok(imagesOf(after.objects).includes("router:1.2.3"));
});

test("the serving revision of connectors stays and is scaled, and not one that never started", () => {
  const served = serving(connectorRevision(OLD, 2), 2);
  const broken = serving(connectorRevision({ ...OLD, version: "1.1.0" }, 2), 0);
  const input: DesiredInput = {
    ...NEW,
    cluster: {
      ...NEW.cluster,
      spec: { ...NEW.cluster.spec, connectors: { ...NEW.cluster.spec.connectors, replicas: 4 } },
    },
  };
  const pods = [...connectorPods(served, 2), ...connectorPods(broken, 2, 0)];
  const replicasOf = (...objects: readonly KubeObject[]) =>
    Object.fromEntries(
      connectorsOf(input, new Observed(objects), NOTHING_TOLD).older.map((object) => [
        object.metadata.name,
        (object as Workload).spec.replicas,
      ]),
    );
  for (const order of [
    [served, broken],
    [broken, served],
  ])
    assert.deepEqual(
      connectorsOf(input, new Observed([...order, ...pods]), NOTHING_TOLD).drains.acts.map(({ pod }) => pod),
      connectorPods(broken, 2).map(({ metadata }) => metadata.name),
      "the broken ones leave first",
    );
  const alone = serving(connectorRevision(OLD, 2), 2);
  assert.deepEqual(replicasOf(alone, ...connectorPods(alone, 2)), { [alone.metadata.name]: 4 });
  const half = serving(connectorRevision(input, 4), 2);
  const both = [served, half, ...connectorPods(served, 2), ...connectorPods(half, 4, 2)];
  assert.deepEqual(replicasOf(...both), { [served.metadata.name]: 2 }, "then it only drains");
  const { drains } = connectorsOf(input, new Observed(both), NOTHING_TOLD);
  assert.deepEqual(
    drains.acts.map(({ does, pod }) => [does, pod]),
    connectorPods(served, 2).map(({ metadata }) => ["mark", metadata.name]),
  );
});

test("status.version is the serving version, and the condition names the pod and the image that cannot be pulled", () => {
  const at = (version: string, component = "router"): string =>
    `r.example:5000/jichat/${component}:${version}`;
  const older = [pod("router-a", "router", at("1.0.0"), true), pod("api-a", "api", at("1.0.0", "api"), true)];
  const stuck = pod("router-b", "router", at("1.2.3"), false, "ImagePullBackOff");
  assert.equal(versionServing(NEW, new Observed([...older, stuck])), "1.0.0");
  const fresh = pod("router-b", "router", at("1.2.3"), true);
  assert.equal(versionServing(NEW, new Observed([...older, fresh])), "1.0.0", "half of it");
  assert.equal(versionServing(NEW, new Observed([fresh])), "1.2.3");
  assert.equal(versionServing(NEW, new Observed([stuck])), undefined);
  const remembered = inputOf(
    {},
    { cluster: { ...clusterOf(), status: { observedGeneration: 1, conditions: [], version: "0.9.0" } } },
  );
  assert.equal(versionServing(remembered, new Observed([stuck])), "0.9.0");

  assert.equal(
    tellPulls(pullFailures(new Observed([...older, stuck]))),
    "pod router-b cannot pull r.example:5000/jichat/router:1.2.3: ImagePullBackOff",
  );
  assert.deepEqual(pullFailures(new Observed(older)), []);
});

test("only a server pod that waits for an unwanted image is deleted", () => {
  const set = {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "chat-clickhouse", namespace: "people" },
    status: { replicas: 1, updateRevision: "good" },
  } as KubeObject;
  const server = (revision: string, waiting?: string, name = "chat-clickhouse-0"): KubeObject => {
    const one = pod(name, "clickhouse", "clickhouse:x", waiting === undefined, waiting);
    const labels = { ...one.metadata.labels, "controller-revision-hash": revision };
    return { ...one, metadata: { ...one.metadata, labels } };
  };
  const stuck = (one: KubeObject): number => stuckServers(new Observed([set, one])).length;
  assert.equal(stuck(server("bad", "ImagePullBackOff")), 1);
  assert.equal(stuck(server("good", "ImagePullBackOff")), 0, "it is what is wanted");
  assert.equal(stuck(server("bad")), 0, "it runs");
  assert.equal(stuck(server("bad", "ContainerCreating")), 0);
  assert.equal(stuck(server("bad", "ImagePullBackOff", "chat-nats-0")), 0, "another set's");
  const ours = { ...set, spec: { updateStrategy: { type: "OnDelete" } } };
  assert.equal(
    stuckServers(new Observed([ours, server("bad", "ImagePullBackOff")])).length,
    0,
    "a roll does it",
  );
});

const statusWith = (
  observed: Observed,
  refused: readonly { object: KubeObject; error: Error }[] = [],
  changed: readonly KubeObject[] = [],
) => {
  const plan = planOf(NEW, observed, BACKENDS);
  const live: Live = {
    connections: undefined,
    partitionsServed: undefined,
    partitionsOwned: undefined,
    faults: [],
    silent: [],
    levels: new Map(),
  };
  const facts = { input: NEW, observed, backends: BACKENDS, plan, unserved: [], live, refused, changed };
  return statusOf({ ...facts, now: NOW, talk: yes("Talked"), level: { finding: yes("Newest") } });
};
const told = (status: ReturnType<typeof statusOf>, wanted: string) => {
  const found = status.conditions.find(({ type }) => type === wanted);
  return `${found?.status} ${found?.reason} ${found?.message}`;
};

test("a ChatCluster that serves the old version is Ready, and other conditions report the fault", () => {
  const stuck = pod("chat-migrate-x", "migrate", "broken.example/storage:1.2.3", false, "ErrImagePull");
  const status = statusWith(new Observed([...running(), stuck]));
  assert.match(told(status, "Ready"), /^True/);
  for (const type of ["Degraded", "Progressing"])
    assert.match(
      told(status, type),
      /^True ImagePull pod chat-migrate-x cannot pull broken.example\/storage/,
    );
});

test("a refused object makes Reconciled false with its kind and name, and the change does not count as complete", () => {
  const object = deployment(NEW, "router");
  const refused = [{ object, error: new Error("spec.tolerations: Invalid value") }];
  const status = statusWith(new Observed([...running(), done(NEW)]), refused);
  assert.match(told(status, "Reconciled"), /^False ApplyRefused Deployment chat-router: spec.tolerations/);
  assert.match(told(status, "Degraded"), /^True ApplyRefused/);
  assert.match(told(status, "Progressing"), /^False ApplyRefused/);
  assert.match(told(statusWith(new Observed([...running(), done(NEW)])), "Reconciled"), /^True/);
});

/** All of the version that is wanted, serving, and a NATS server in the middle of a roll-out or not. */
const settled = (natsUpdated: number): Observed => {
  const nats = serversOf(NEW).find(({ metadata }) => metadata.name === "chat-nats") ?? assert.fail();
  const status = { replicas: 3, readyReplicas: 3, updatedReplicas: natsUpdated };
  return new Observed([
    ...(["router", "storage", "api"] as const).map((name) => serving(deployment(NEW, name), 2)),
    serving(connectorRevision(NEW, 2), 2),
    done(NEW),
    { ...nats, status } as KubeObject,
  ]);
};

test("a change is not complete after a pass that changed something, or while servers are rolled", () => {
  assert.match(told(statusWith(settled(3)), "Progressing"), /^False Settled/);
  assert.match(told(statusWith(settled(2)), "Progressing"), /^True RollingOut nats 3\/3/);
  const changed = [deployment(NEW, "router")];
  assert.match(
    told(statusWith(settled(3), [], changed), "Progressing"),
    /^True RollingOut Deployment chat-router was changed/,
  );
});

test("a failed pass is reported, and earlier findings keep their generation", () => {
  const before = statusWith(new Observed(running()));
  const { cluster } = NEW;
  const { metadata } = cluster;
  const later = { ...cluster, status: before, metadata: { ...metadata, generation: 9 } };
  const { conditions, observedGeneration, ground } = failedStatus(later, "the API server answered 500", NOW);
  assert.equal(observedGeneration, 1);
  assert.deepEqual(ground, before.ground);
  for (const { type, observedGeneration: of, status } of conditions) {
    assert.equal(of, type === "Reconciled" ? 9 : 1, type);
    if (type === "Ready") assert.equal(status, "True");
  }
  const first = failedStatus(cluster, "no", NOW);
  assert.deepEqual(
    first.conditions.map(({ type }) => type).sort(),
    before.conditions.map(({ type }) => type).sort(),
  );
  assert.ok(
    first.conditions.every(({ status, type }) => status === (type === "Reconciled" ? "False" : "Unknown")),
  );
});
