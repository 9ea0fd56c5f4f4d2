import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterOf, connectorPods, inputOf } from "../test/input.ts";
import type { ChatCluster } from "./crd/definition.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import type { Workload } from "./desired/workloads.ts";
import { connectorRevision, deployment } from "./desired/workloads.ts";
import type { EventAbout } from "./kube/events.ts";
import type { KubeObject } from "./kube/object.ts";
import { Observed } from "./observed.ts";
import type { BackendsSeen } from "./plan.ts";
import type { Sight } from "./rollouts.ts";
import { Rollouts } from "./rollouts.ts";
import type { CanaryVerdict } from "./scale/canary.ts";
import { revisionOf } from "./scale/revisions.ts";
import type { Phase, Rollout } from "./scale/rollout-state.ts";
import { atRest, begun, entering } from "./scale/rollout-state.ts";

const OK = { state: "ok", message: "" } as const;
const BACKENDS: BackendsSeen = { nats: OK, redis: OK, clickhouse: OK, streams: { ok: true, message: "" } };
const NOW = Date.parse("2026-03-03T12:00:00Z");
const SIGHT: Sight = { now: NOW, backends: BACKENDS, metrics: new Map() };
const SPEC = { clickhouse: { embedded: { storage: { size: "1Gi" } } }, storage: { replicas: 1 } };
const inputFor = (cluster: ChatCluster, version: string): DesiredInput => ({
  ...inputOf(SPEC, { version }),
  cluster,
});
const connectors = (name: string, version: string): Workload =>
  connectorRevision(inputFor(clusterOf(SPEC, name), version), 2);
const target = (name: string, version: string) => ({
  version,
  revision: revisionOf(connectors(name, version)),
});
/** What there is of a ChatCluster that runs these versions of connectors. */
const running = (name: string, ...versions: readonly string[]): KubeObject[] =>
  versions.flatMap((version) => {
    const own = connectors(name, version);
    return [own, ...connectorPods(own, 2)];
  });
const serving = (name: string): Observed => new Observed(running(name, "1.2.0"));

const named = (name: string, rollout: Rollout | undefined, more: Partial<ChatCluster> = {}): ChatCluster => {
  const cluster = clusterOf(SPEC, name);
  const status = { observedGeneration: 1, conditions: [], ...(rollout === undefined ? {} : { rollout }) };
  return { ...cluster, status, ...more };
};

/** What is written, in order, and an API server that may refuse. */
class Writes {
  readonly all: string[] = [];
  monotonic = 0;
  readonly events: EventAbout[] = [];
  clusters: ChatCluster[] = [];
  canary: CanaryVerdict = { state: "proving", message: "" };
  refuses = false;
  /** How often the proof of a canary was dropped. */
  forgotten = 0;

  rollouts(): Rollouts {
    return new Rollouts({
      api: {
        get: async (_: unknown, __: unknown, name: string) => this.#found(name) as never,
        apply: async (_: unknown, wanted: KubeObject) => {
          if (this.refuses) throw new Error("503");
          const { status } = wanted as unknown as ChatCluster;
          this.all.push(`${wanted.metadata.name}: ${status?.rollout?.phase}`);
          return wanted as never;
        },
        mergePatch: async (_: unknown, __: unknown, name: string, patch: object) => {
          this.all.push(`${name}: ${JSON.stringify(patch)}`);
          return {} as never;
        },
      },
      informers: { clusters: () => this.clusters },
      events: {
        tell: async (_: unknown, event: EventAbout) => {
          this.events.push(event);
        },
      },
      keeper: { me: "jichat/jichat-operator" },
      judges: {
        canary: () => this.canary,
        gates: () => [],
        forget: () => undefined,
        forgetCanary: () => {
          this.forgotten += 1;
        },
      },
      rolloutsAtOnce: 1,
      clock: { monotonic: () => this.monotonic },
    });
  }

  #found(name: string): ChatCluster | undefined {
    return this.clusters.find(({ metadata }) => metadata.name === name);
  }
}

const at = (name: string, phase: Phase): Rollout =>
  entering(begun(target(name, "1.2.0"), target(name, "1.3.0"), NOW), phase, NOW - 1_000);
const rests = (name: string): Rollout => atRest(target(name, "1.2.0"), 0);

test("a new phase is in the status before a pass goes on, and counts before the watch reports it", async () => {
  const writes = new Writes();
  const cluster = named("a", rests("a"));
  writes.clusters = [cluster];
  const rollouts = writes.rollouts();
  const input = inputFor(cluster, "1.3.0");
  assert.equal((await rollouts.look(input, serving("a"), SIGHT))?.phase, "Canary");
  assert.deepEqual(writes.all, ["a: Canary"]);
  assert.equal(writes.forgotten, 1, "what an earlier canary has shown counts no more");
  assert.equal((await rollouts.look(input, serving("a"), SIGHT))?.phase, "Canary");
  assert.deepEqual(writes.all, ["a: Canary"], "once");
  assert.equal(writes.forgotten, 1, "and this one's is kept");
  assert.equal(rollouts.over(cluster).status?.rollout?.phase, "Canary");
  assert.match(
    writes.events[0]?.note ?? "",
    /^rollout of 1\.2\.0 \(\w+\) to 1\.3\.0 \(\w+\): Canary: the canary has not been made yet$/,
  );
  const next = await writes
    .rollouts()
    .look(inputFor(named("a", at("a", "Canary")), "1.3.0"), serving("a"), SIGHT);
  assert.equal(next?.phase, "Canary", "another process goes on by the status");
});

test("a phase that could not be written has not begun", async () => {
  const writes = new Writes();
  const cluster = named("a", at("a", "Canary"));
  writes.clusters = [cluster];
  const rollouts = writes.rollouts();
  const input = inputFor(cluster, "1.3.0");
  writes.canary = { state: "proven", message: "" };
  writes.refuses = true;
  await assert.rejects(rollouts.look(input, serving("a"), SIGHT), /503/);
  assert.equal(rollouts.over(cluster).status?.rollout?.phase, "Canary");
  writes.refuses = false;
  assert.equal((await rollouts.look(input, serving("a"), SIGHT))?.phase, "Backends");
  assert.deepEqual(writes.all, ["a: Backends"]);
});

test("of two ChatClusters one moves its devices, also where the watch has not reported that yet", async () => {
  const writes = new Writes();
  writes.canary = { state: "proven", message: "" };
  const [a, b] = [named("a", at("a", "Waiting")), named("b", at("b", "Waiting"))];
  writes.clusters = [a, b];
  const rollouts = writes.rollouts();
  const both = await Promise.all(
    [b, a].map(async (cluster) =>
      rollouts.look(inputFor(cluster, "1.3.0"), serving(cluster.metadata.name), SIGHT),
    ),
  );
  assert.deepEqual(
    both.map((rollout) => rollout?.phase),
    ["Waiting", "Backends"],
  );
  assert.equal(both[0]?.blockedBy[0]?.gate, "Slot");
  const theirs = {
    ...a,
    status: { observedGeneration: 1, conditions: [], keeper: "x/y", rollout: at("a", "Connectors") },
  };
  const other = new Writes();
  other.canary = writes.canary;
  other.clusters = [theirs, b];
  const free = await other.rollouts().look(inputFor(b, "1.3.0"), serving("b"), SIGHT);
  assert.equal(free?.phase, "Backends", "a ChatCluster of another operator has no slot of this one");
});

test("a ChatCluster that no pass has come to for two minutes holds no slot", async () => {
  const writes = new Writes();
  writes.canary = { state: "proven", message: "" };
  const [a, b] = [named("a", at("a", "Waiting")), named("b", at("b", "Connectors"))];
  writes.clusters = [a, b];
  const rollouts = writes.rollouts();
  const look = async () => rollouts.look(inputFor(a, "1.3.0"), serving("a"), SIGHT);
  assert.deepEqual(
    (await look())?.blockedBy.map(({ gate }) => gate),
    ["Slot"],
  );
  writes.monotonic = 120_000;
  assert.equal((await look())?.phase, "Waiting");
  writes.monotonic = 120_001;
  assert.equal((await look())?.phase, "Backends");
});

test("time in which no process looked is no time without progress", async () => {
  const writes = new Writes();
  const progress = { missing: 9, old: 9, at: new Date(NOW - 3_600_000).toISOString() };
  const cluster = named("a", { ...at("a", "Canary"), progress });
  writes.clusters = [cluster];
  const rollouts = writes.rollouts();
  const look = async (now: number) =>
    rollouts.look(inputFor(cluster, "1.3.0"), serving("a"), { ...SIGHT, now });
  assert.equal((await look(NOW))?.phase, "Canary");
  assert.equal((await look(NOW + 3_600_000))?.phase, "RolledBack");
});

test("a person's word is removed once it is taken, and stays while it names another revision", async () => {
  const writes = new Writes();
  writes.canary = { state: "failed", message: "a message was lost" };
  const saying = (annotations: Record<string, string>): ChatCluster => {
    const cluster = named("a", at("a", "Connectors"));
    return { ...cluster, metadata: { ...cluster.metadata, annotations } };
  };
  const cluster = saying({ "chat.jichat.io/rollback": target("a", "1.3.0").revision });
  writes.clusters = [cluster];
  const rollouts = writes.rollouts();
  const both = new Observed(running("a", "1.2.0", "1.3.0"));
  assert.equal((await rollouts.look(inputFor(cluster, "1.3.0"), both, SIGHT))?.phase, "RollingBack");
  assert.deepEqual(writes.all, [
    "a: RollingBack",
    'a: {"metadata":{"annotations":{"chat.jichat.io/rollback":null}}}',
  ]);
  assert.equal(writes.events[0]?.reason, "RolloutFailed");
  writes.all.length = 0;
  const odd = saying({ "chat.jichat.io/rollback": "ffffffff", "chat.jichat.io/promote": "ffffffff" });
  await writes.rollouts().look(inputFor(odd, "1.3.0"), both, SIGHT);
  assert.deepEqual(writes.all, []);
});

test("while it is paused nothing begins and nothing goes on", async () => {
  const writes = new Writes();
  writes.canary = { state: "proven", message: "" };
  const paused = (rollout: Rollout | undefined): ChatCluster => {
    const cluster = named("a", rollout);
    return { ...cluster, spec: { ...cluster.spec, paused: true } };
  };
  for (const rollout of [undefined, rests("a"), at("a", "Canary"), at("a", "Connectors")]) {
    const after = await writes.rollouts().look(inputFor(paused(rollout), "1.3.0"), serving("a"), SIGHT);
    assert.equal(after?.phase, rollout?.phase);
  }
  assert.deepEqual(writes.all, []);
});

test("other components count as settled once they run the new images, and a backend that is silent is in the way", async () => {
  const writes = new Writes();
  const cluster = named("a", at("a", "Backends"));
  writes.clusters = [cluster];
  const input = inputFor(cluster, "1.3.0");
  const settled = (of: DesiredInput, ready: number): KubeObject[] =>
    (["router", "storage", "api"] as const).map((name): Workload => {
      const object = deployment(of, name);
      const { replicas = 0 } = object.spec;
      const counts = { replicas, readyReplicas: Math.min(replicas, ready), updatedReplicas: replicas };
      return { ...object, status: counts };
    });
  const phaseWith = async (objects: readonly KubeObject[]): Promise<Phase | undefined> => {
    const observed = new Observed([...running("a", "1.2.0"), ...objects]);
    return (await writes.rollouts().look(input, observed, SIGHT))?.phase;
  };
  assert.equal(await phaseWith(settled(inputFor(cluster, "1.2.0"), 2)), "Backends");
  assert.equal(await phaseWith(settled(input, 1)), "Backends");
  assert.equal(await phaseWith(settled(input, 2)), "Connectors");
  const begins = named("b", rests("b"));
  const silent = {
    ...SIGHT,
    backends: { ...BACKENDS, redis: { state: "unknown", message: "not asked yet" } as const },
  };
  writes.clusters = [begins];
  const blocked = await writes.rollouts().look(inputFor(begins, "1.9.0"), serving("b"), silent);
  assert.deepEqual(
    blocked?.blockedBy.map(({ gate }) => gate),
    ["VersionSkew", "Backends"],
  );
});
