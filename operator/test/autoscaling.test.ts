import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ChatCluster } from "../src/crd/definition.ts";
import type { KubeObject } from "../src/kube/object.ts";
import { RESOURCES } from "../src/kube/object.ts";
import { isPodReady } from "../src/pod-object.ts";
import type { FakeConnectors } from "./fake-connectors.ts";
import { begin, passing } from "./fake-scene.ts";
import { NAMESPACE, World } from "./world.ts";

/** Numbers that load decides, and connectors that become level, on the real API server. */
let world: World;
const MS = 120_000;

before(async () => {
  world = await World.start();
});

after(async () => {
  await world.stop();
});

const start = (fakes: FakeConnectors) =>
  world.startOperator({ resyncMs: 1_000 }, undefined, undefined, fakes.admin);

const chatOf = async (name: string): Promise<ChatCluster | undefined> =>
  world.find<ChatCluster & KubeObject>(RESOURCES.chatClusters, name);

const change = async (name: string, patch: object): Promise<void> => {
  await world.api.mergePatch(RESOURCES.chatClusters, NAMESPACE, name, patch);
};

const passes = async (what: string, fakes: FakeConnectors, holds: () => Promise<boolean>): Promise<void> =>
  passing(what, MS, fakes, holds);

const serves = (fakes: FakeConnectors, count: number) => async (): Promise<boolean> => {
  const pods = await fakes.pods();
  return pods.length === count && pods.every((pod) => isPodReady(pod));
};

/** The connections of each connector, in the order of their names. */
const spread = async (fakes: FakeConnectors): Promise<readonly number[]> =>
  (await fakes.pods())
    .map(({ metadata }) => metadata.name)
    .sort()
    .map((name) => fakes.sockets(name));

const marks = async (fakes: FakeConnectors): Promise<number> =>
  (await fakes.pods()).filter(({ metadata }) => "chat.jichat.io/shed" in (metadata.annotations ?? {})).length;

test("1 to 3: the full one sheds two thirds once, though its operator ends in the middle", async () => {
  const fakes = await begin(world, "levels", { replicas: 1 });
  const first = start(fakes);
  await passes("one connector", fakes, serves(fakes, 1));
  fakes.connect("levels-connector-1", 900);
  fakes.leaves = 20;
  await change("levels", { spec: { connectors: { replicas: 3 } } });
  await passes("the shed", fakes, async () => fakes.sheds.length > 0);
  await first.stop();
  const second = start(fakes);
  await passes("level connectors", fakes, async () => Math.max(...(await spread(fakes))) === 300);
  assert.deepEqual(fakes.sheds, [{ pod: "levels-connector-1", connections: 600, perSecond: 200, beside: 0 }]);
  assert.deepEqual(await spread(fakes), [300, 300, 300]);
  assert.deepEqual(fakes.orders, [], "nobody drains");
  await passes("no mark", fakes, async () => (await marks(fakes)) === 0);
  assert.equal(fakes.sheds.length, 1);
  await second.stop();
  fakes.stop();
});

test("a drain ends a shed, and only then its devices are told", async () => {
  const fakes = await begin(world, "yields", { replicas: 1 });
  const operator = start(fakes);
  await passes("one connector", fakes, serves(fakes, 1));
  fakes.connect("yields-connector-1", 900);
  fakes.leaves = 1;
  await change("yields", { spec: { connectors: { replicas: 3 } } });
  await passes("the shed", fakes, async () => fakes.sheds.length > 0);
  await change("yields", { spec: { connectors: { replicas: 2 } } });
  await passes("the end of the shed", fakes, async () => fakes.sheds.length > 1);
  assert.deepEqual(
    fakes.sheds.map(({ connections }) => connections),
    [600, 0],
  );
  fakes.leaves = 50;
  await passes("two connectors", fakes, serves(fakes, 2));
  assert.deepEqual(fakes.cut, []);
  await operator.stop();
  fakes.stop();
});

test("who asks gets level connectors below 1.2 times the share too, once", async () => {
  const fakes = await begin(world, "asked", { replicas: 2 });
  const operator = start(fakes);
  await passes("two connectors", fakes, serves(fakes, 2));
  fakes.connect("asked-connector-1", 1_100);
  fakes.connect("asked-connector-2", 900);
  await passes("some passes", fakes, async () => (await chatOf("asked"))?.status?.connections === 2_000);
  assert.deepEqual(fakes.sheds, []);
  await change("asked", { metadata: { annotations: { "chat.jichat.io/rebalance": "now" } } });
  await passes(
    "a request that is done",
    fakes,
    async () => (await chatOf("asked"))?.status?.rebalanced === "now",
  );
  assert.deepEqual(await spread(fakes), [1_000, 1_000]);
  assert.deepEqual(
    fakes.sheds.map(({ connections }) => connections),
    [100],
  );
  await operator.stop();
  fakes.stop();
});

test("connections choose the number, the status says why, and an operator that starts anew goes on", async () => {
  const autoscaling = {
    minReplicas: 1,
    maxReplicas: 3,
    connectionsPerPod: 100,
    stabilizationWindowSeconds: 0,
  };
  const fakes = await begin(world, "scales", { replicas: 1, autoscaling });
  const first = start(fakes);
  await passes("one connector", fakes, serves(fakes, 1));
  fakes.connect("scales-connector-1", 250);
  await passes("three connectors", fakes, serves(fakes, 3));
  const told = (await chatOf("scales"))?.status?.autoscaler?.connectors;
  assert.equal(told?.desired, 3);
  await first.stop();
  const second = start(fakes);
  await passes("level connectors", fakes, async () => Math.max(...(await spread(fakes))) <= 100);
  assert.equal((await chatOf("scales"))?.spec.connectors.replicas, 1, "the spec stays as it was written");
  const names = (await fakes.pods()).map(({ metadata }) => metadata.name);
  for (const name of names) fakes.connect(name, 10);
  await passes("one connector again", fakes, serves(fakes, 1));
  const after = (await chatOf("scales"))?.status?.autoscaler?.connectors;
  assert.equal(after?.desired, 1);
  assert.deepEqual(await spread(fakes), [30]);
  assert.deepEqual(fakes.cut, []);
  await second.stop();
  fakes.stop();
});

test("a number from outside is taken through the scale subresource, within the bounds", async () => {
  const fakes = await begin(world, "outside", {
    replicas: 1,
    autoscaling: { mode: "External", minReplicas: 1, maxReplicas: 2 },
  });
  const operator = start(fakes);
  await passes("one connector", fakes, serves(fakes, 1));
  await change("outside", { spec: { connectors: { replicas: 5 } } });
  await passes("two connectors", fakes, serves(fakes, 2));
  await passes(
    "a reason",
    fakes,
    async () => (await chatOf("outside"))?.status?.autoscaler?.connectors?.reason === "Bounds",
  );
  await operator.stop();
  fakes.stop();
});
