import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ChatCluster } from "../src/crd/definition.ts";
import type { Workload } from "../src/desired/workloads.ts";
import type { KubeObject } from "../src/kube/object.ts";
import { RESOURCES } from "../src/kube/object.ts";
import { isPodReady } from "../src/pod-object.ts";
import type { RolloutJudges } from "../src/rollouts.ts";
import { connectorAdmin } from "../src/scale/ask-connectors.ts";
import type { CanaryVerdict } from "../src/scale/canary.ts";
import type { Rollout } from "../src/scale/rollout-state.ts";
import type { FakeConnectors } from "./fake-connectors.ts";
import { begin, passing } from "./fake-scene.ts";
import { ANSWERS, NAMESPACE, World } from "./world.ts";

/** Rollouts on the real API server: fake connectors, and canaries whose verdict the test says. */
let world: World;
const MS = 60_000;

before(async () => {
  world = await World.start();
});

after(async () => {
  await world.stop();
});

const PROVING: CanaryVerdict = { state: "proving", message: "it starts" };
const PROVEN: CanaryVerdict = { state: "proven", message: "" };

/** A ChatCluster that runs version 0.1.0, and its operator. */
class Scene {
  readonly name: string;
  readonly fakes: FakeConnectors;
  canary: CanaryVerdict = PROVEN;
  gate: string | undefined;
  #operator: { readonly stop: () => Promise<void> } | undefined;

  private constructor(name: string, fakes: FakeConnectors) {
    this.name = name;
    this.fakes = fakes;
  }

  /** `beside`: one that the same operator looks after. */
  static async begin(name: string, rollout: object = {}, beside?: Scene): Promise<Scene> {
    const scene = new Scene(name, await begin(world, name, { replicas: 2 }));
    await scene.change({ version: "0.1.0", rollout });
    await beside?.stop();
    scene.start(beside);
    await scene.passes("two connectors of 0.1.0", async () => scene.isLevel("0.1.0"));
    for (const pod of await scene.fakes.pods()) scene.fakes.connect(pod.metadata.name, 100);
    return scene;
  }

  start(beside?: Scene): void {
    const admin = connectorAdmin((pod) => this.fakes.originOf(pod) ?? beside?.fakes.originOf(pod));
    const judges: RolloutJudges = {
      canary: () => this.canary,
      gates: () => (this.gate === undefined ? [] : [{ gate: this.gate, message: "it is closed" }]),
      forget: () => undefined,
      forgetCanary: () => undefined,
    };
    const config = { resyncMs: 1_000 };
    this.#operator = world.startOperator(config, undefined, undefined, admin, { judges, ask: ANSWERS });
  }

  async stop(): Promise<void> {
    await this.#operator?.stop();
    this.#operator = undefined;
  }

  async end(): Promise<void> {
    await this.stop();
    await world.api.remove(RESOURCES.chatClusters, NAMESPACE, this.name);
    this.fakes.stop();
  }

  async restart(): Promise<void> {
    await this.stop();
    this.start();
  }

  async change(spec: object): Promise<void> {
    await world.api.mergePatch(RESOURCES.chatClusters, NAMESPACE, this.name, { spec });
  }

  async say(word: "promote" | "rollback"): Promise<void> {
    const revision = (await this.rollout())?.to.revision;
    const metadata = { annotations: { [`chat.jichat.io/${word}`]: revision } };
    await world.api.mergePatch(RESOURCES.chatClusters, NAMESPACE, this.name, { metadata });
  }

  async read(): Promise<(ChatCluster & KubeObject) | undefined> {
    return world.find<ChatCluster & KubeObject>(RESOURCES.chatClusters, this.name);
  }

  async rollout(): Promise<Rollout | undefined> {
    return (await this.read())?.status?.rollout;
  }

  async passes(what: string, holds: () => Promise<boolean>): Promise<void> {
    await passing(`${this.name}: ${what}`, MS, this.fakes, holds);
  }

  async reaches(phase: Rollout["phase"]): Promise<void> {
    await this.passes(`phase ${phase}`, async () => (await this.rollout())?.phase === phase);
  }

  /** The version of each connector, by the image of its Deployment. */
  async serving(): Promise<readonly string[]> {
    const deployments = await this.fakes.deployments();
    const pods = await this.fakes.pods();
    return pods.map((pod) => {
      const revision = pod.metadata.labels?.["chat.jichat.io/revision"];
      const own = deployments.find(
        ({ metadata }) => metadata.labels?.["chat.jichat.io/revision"] === revision,
      );
      return own === undefined ? "" : versionOf(own);
    });
  }

  async isLevel(version: string): Promise<boolean> {
    const versions = await this.serving();
    const areReady = (await this.fakes.pods()).every(isPodReady);
    return areReady && versions.length === 2 && versions.every((one) => one === version);
  }

  async versionOf(component: string): Promise<string> {
    const found = await world.find<Workload>(RESOURCES.deployments, `${this.name}-${component}`);
    return found === undefined ? "" : versionOf(found);
  }

  async devices(): Promise<number> {
    return (await this.fakes.pods()).reduce(
      (sum, { metadata }) => sum + this.fakes.sockets(metadata.name),
      0,
    );
  }

  async condition(type: string): Promise<string> {
    const found = (await this.read())?.status?.conditions.find((one) => one.type === type);
    return `${found?.status} ${found?.reason}: ${found?.message}`;
  }
}

const versionOf = ({ spec }: Workload): string =>
  spec.template.spec.containers[0]?.image?.split(":").at(-1) ?? "";

test("an upgrade: a canary, then the other components, then the connectors, and a soak", async () => {
  const scene = await Scene.begin("goes");
  scene.canary = PROVING;
  await scene.change({ version: "0.2.0", rollout: { soakSeconds: 2 } });
  await scene.reaches("Canary");
  await scene.passes("the canary", async () => (await scene.versionOf("canary")) === "0.2.0");
  assert.deepEqual(await scene.serving(), ["0.1.0", "0.1.0"]);
  assert.equal(await scene.versionOf("api"), "0.1.0");
  assert.match(await scene.condition("Progressing"), /^True RollingOut: phase Canary: it starts$/);
  scene.canary = PROVEN;
  await scene.reaches("Connectors");
  assert.equal(await scene.versionOf("api"), "0.2.0");
  await scene.reaches("Soaking");
  assert.deepEqual(await scene.serving(), ["0.2.0", "0.2.0"]);
  assert.equal((await scene.fakes.deployments()).length, 2, "the way back stays");
  assert.equal(await scene.versionOf("canary"), "");
  await scene.reaches("Done");
  await scene.passes("one revision", async () => (await scene.fakes.deployments()).length === 1);
  assert.equal(await scene.devices(), 200);
  assert.deepEqual(scene.fakes.cut, []);
  await scene.end();
});

test("a broken image stops at the canary, says why, and is tried again by a promotion", async () => {
  const scene = await Scene.begin("breaks");
  scene.canary = { state: "failed", message: "its image cannot be pulled: ImagePullBackOff" };
  await scene.change({ version: "0.2.0" });
  await scene.reaches("RolledBack");
  await scene.passes("it is said", async () =>
    (await scene.condition("Degraded")).startsWith(
      "True RolledBack: canary failed: its image cannot be pulled",
    ),
  );
  assert.deepEqual(await scene.serving(), ["0.1.0", "0.1.0"]);
  assert.equal(await scene.versionOf("router"), "0.1.0");
  await scene.passes("the canary is gone", async () => (await scene.versionOf("canary")) === "");
  await scene.restart();
  await scene.passes("another look", async () => (await scene.rollout())?.phase === "RolledBack");
  scene.canary = PROVEN;
  await scene.say("promote");
  await scene.reaches("Done");
  assert.deepEqual(await scene.serving(), ["0.2.0", "0.2.0"]);
  assert.deepEqual((await scene.read())?.metadata.annotations ?? {}, {}, "the word was taken");
  assert.deepEqual(
    scene.fakes.orders.map(({ method }) => method),
    ["POST", "POST"],
    "each device moved once",
  );
  assert.deepEqual(scene.fakes.cut, []);
  await scene.end();
});

test("a person takes back a rollout in its middle: the old connectors serve again, with their devices", async () => {
  const scene = await Scene.begin("returns");
  scene.fakes.leaves = 0;
  await scene.change({ version: "0.2.0" });
  await scene.passes("an old connector is told", async () => scene.fakes.orders.length > 0);
  await scene.say("rollback");
  scene.fakes.leaves = 50;
  await scene.reaches("RolledBack");
  assert.deepEqual(await scene.serving(), ["0.1.0", "0.1.0"]);
  for (const component of ["router", "storage", "api"])
    assert.equal(await scene.versionOf(component), "0.1.0", component);
  assert.match(await scene.condition("Degraded"), /^True RolledBack: a person asked for it/);
  assert.equal(await scene.devices(), 200);
  assert.deepEqual(scene.fakes.cut, []);
  await scene.change({ version: "0.1.0" });
  await scene.reaches("Done");
  await scene.passes("nothing is wrong", async () => (await scene.condition("Degraded")).startsWith("False"));
  await scene.end();
});

test("a supervised rollout waits, and an operator that ends in any phase is followed by one that goes on", async () => {
  const scene = await Scene.begin("guarded", { mode: "Supervised", soakSeconds: 2 });
  scene.canary = PROVING;
  scene.gate = "ErrorRate";
  await scene.change({ version: "0.2.0" });
  await scene.reaches("Canary");
  await scene.restart();
  scene.canary = PROVEN;
  await scene.reaches("Waiting");
  await scene.restart();
  await scene.passes("a person is asked", async () =>
    ((await scene.rollout())?.blockedBy ?? []).some(({ gate }) => gate === "Promotion"),
  );
  await scene.say("promote");
  await scene.passes("the gate", async () => {
    const { phase, blockedBy = [] } = (await scene.rollout()) ?? {};
    return phase === "Connectors" && blockedBy.some(({ gate }) => gate === "ErrorRate");
  });
  await scene.passes("new connectors beside the old ones", async () => (await scene.serving()).length === 4);
  await scene.restart();
  assert.deepEqual(scene.fakes.orders, [], "no device moves while a gate is closed");
  scene.gate = undefined;
  await scene.reaches("Soaking");
  await scene.restart();
  await scene.reaches("Done");
  assert.deepEqual(await scene.serving(), ["0.2.0", "0.2.0"]);
  assert.deepEqual(
    scene.fakes.orders.map(({ method }) => method),
    ["POST", "POST"],
    "each device moved once",
  );
  assert.deepEqual(scene.fakes.cut, []);
  await scene.end();
});

test("of two ChatClusters one moves its devices at a time, and one that is taken back lets the other go on", async () => {
  const first = await Scene.begin("first");
  const second = await Scene.begin("second", {}, first);
  second.gate = "StorageLag";
  const both = async (what: string, holds: () => Promise<boolean>): Promise<void> =>
    second.passes(what, async () => {
      await first.fakes.step();
      await world.settle(first.name);
      return holds();
    });
  await first.change({ version: "0.2.0" });
  await both("the first moves", async () => (await first.rollout())?.phase === "Connectors");
  await second.change({ version: "0.2.0" });
  const isBlocked = async (): Promise<boolean> =>
    (await second.rollout())?.blockedBy[0]?.gate === "Slot" &&
    (await first.rollout())?.phase === "Connectors";
  await both("the second waits", isBlocked);
  assert.deepEqual(await second.serving(), ["0.1.0", "0.1.0"]);
  await first.say("rollback");
  await both("the first is back", async () => (await first.rollout())?.phase === "RolledBack");
  await both("the second moves", async () => (await second.rollout())?.phase === "Connectors");
  second.gate = undefined;
  await both("the second is done", async () => (await second.rollout())?.phase === "Done");
  assert.deepEqual(await second.serving(), ["0.2.0", "0.2.0"]);
  assert.deepEqual(await first.serving(), ["0.1.0", "0.1.0"]);
  await second.end();
  await first.end();
});
