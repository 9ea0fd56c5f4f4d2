import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ChatCluster } from "../src/crd/definition.ts";
import type { KubeObject } from "../src/kube/object.ts";
import { RESOURCES } from "../src/kube/object.ts";
import { isPodReady, readyChangedAt } from "../src/pod-object.ts";
import type { FakeConnectors } from "./fake-connectors.ts";
import { begin as beginScene, passing } from "./fake-scene.ts";
import { ANSWERS, NAMESPACE, World } from "./world.ts";

/** Connectors that leave, on the real API server. Fake connectors answer as the real ones do. */
let world: World;
const ROUTED = "chat.jichat.io/routed";
const MS = 60_000;

before(async () => {
  world = await World.start();
});

after(async () => {
  await world.stop();
});

const begin = async (name: string, replicas: number): Promise<FakeConnectors> =>
  beginScene(world, name, { replicas });

const change = async (name: string, spec: object): Promise<void> => {
  await world.api.mergePatch(RESOURCES.chatClusters, NAMESPACE, name, { spec });
};

const passes = async (what: string, fakes: FakeConnectors, holds: () => Promise<boolean>): Promise<void> =>
  passing(what, MS, fakes, holds);

const level = (fakes: FakeConnectors, count: number) => async (): Promise<boolean> => {
  const pods = await fakes.pods();
  const deployments = await fakes.deployments();
  return (
    deployments.length === 1 &&
    deployments[0]?.spec.replicas === count &&
    pods.length === count &&
    pods.every((pod) => isPodReady(pod) && pod.metadata.labels?.[ROUTED] === "true") &&
    pods.every(({ metadata }) => metadata.annotations?.["chat.jichat.io/drain"] === undefined)
  );
};

async function eventsOf(name: string): Promise<readonly string[]> {
  const { items } = await world.api.list<KubeObject & { reason?: string; note?: string }>(
    RESOURCES.events,
    NAMESPACE,
  );
  return items.filter(({ note }) => note?.startsWith(name) === true).map(({ reason = "" }) => reason);
}

test("3 to 1: the two with the fewest devices leave the Service, drain one after the other, and go", async () => {
  const fakes = await begin("shrinks", 3);
  const operator = world.startOperator({ resyncMs: 1_000 }, undefined, undefined, fakes.admin);
  await passes("three connectors", fakes, level(fakes, 3));
  for (const [at, sockets] of [120, 400, 90].entries()) fakes.connect(`shrinks-connector-${at + 1}`, sockets);
  await change("shrinks", { connectors: { replicas: 1 } });
  await passes("one connector", fakes, level(fakes, 1));
  const [left] = await fakes.pods();
  assert.equal(left?.metadata.name, "shrinks-connector-2");
  assert.equal(fakes.sockets("shrinks-connector-2"), 610, "every device is on the one that is left");
  assert.deepEqual(fakes.cut, []);
  assert.deepEqual(
    fakes.orders.toSorted((a, b) => (a.pod < b.pod ? -1 : 1)),
    ["shrinks-connector-1", "shrinks-connector-3"].map((pod) => ({
      pod,
      method: "POST",
      wasInService: false,
      deadlineSeconds: 60,
      perSecond: 200,
    })),
  );
  assert.deepEqual(await eventsOf("shrinks-connector-3"), ["ConnectorLeaves"]);
  await operator.stop();
  fakes.stop();
});

test("an operator that ends in the middle is followed by one that goes on, and demand that returns is met", async () => {
  const fakes = await begin("returns", 3);
  const first = world.startOperator({ resyncMs: 1_000 }, undefined, undefined, fakes.admin);
  await passes("three connectors", fakes, level(fakes, 3));
  for (const at of [1, 2, 3]) fakes.connect(`returns-connector-${at}`, 100 * at);
  fakes.leaves = 0;
  await change("returns", { connectors: { replicas: 1 } });
  await passes("the first drain", fakes, async () => fakes.orders.length > 0);
  await first.stop();
  assert.deepEqual(
    fakes.orders.map(({ pod }) => pod),
    ["returns-connector-1"],
    "the other one waits for its turn",
  );
  fakes.leaves = 40;
  const second = world.startOperator({ resyncMs: 1_000 }, undefined, undefined, fakes.admin);
  await passes("the second drain", fakes, async () => {
    if (fakes.orders.some(({ pod }) => pod === "returns-connector-2")) fakes.leaves = 0;
    return fakes.orders.some(({ pod }) => pod === "returns-connector-2");
  });
  await change("returns", { connectors: { replicas: 2 } });
  await passes("two connectors", fakes, level(fakes, 2));
  const names = (await fakes.pods()).map(({ metadata }) => metadata.name);
  assert.deepEqual(names, ["returns-connector-2", "returns-connector-3"]);
  assert.deepEqual(
    fakes.orders.map(({ pod, method }) => `${method} ${pod}`),
    ["POST returns-connector-1", "POST returns-connector-2", "DELETE returns-connector-2"],
  );
  assert.deepEqual(fakes.cut, []);
  // The label is written first.
  await passes("an Event says so", fakes, async () =>
    (await eventsOf("returns-connector-2")).includes("ConnectorStays"),
  );
  await second.stop();
  fakes.stop();
});

test("pods that an older operator made get the label before the Service asks for it, and a new revision takes over", async () => {
  const fakes = await begin("upgrades", 2);
  fakes.isOlder = true;
  const operator = world.startOperator({ resyncMs: 1_000 }, undefined, undefined, fakes.admin, {
    ask: ANSWERS,
  });
  let wasClosed = false;
  const isOpen = async (): Promise<void> => {
    type Service = KubeObject & { readonly spec: { readonly selector: Readonly<Record<string, string>> } };
    const service = await world.find<Service>(RESOURCES.services, "upgrades-connector");
    const pods = await fakes.pods();
    if (service?.spec.selector[ROUTED] === undefined || pods.length === 0) return;
    if (pods.every(({ metadata }) => metadata.labels?.[ROUTED] === undefined)) wasClosed = true;
  };
  await passes("two labelled connectors", fakes, async () => {
    await isOpen();
    return level(fakes, 2)();
  });
  fakes.isOlder = false;
  fakes.isTimed = true;
  const readyAt = new Map<string, number>();
  const waits = new Set<string>();
  const look = async (): Promise<void> => {
    for (const pod of await fakes.pods())
      if (isPodReady(pod)) readyAt.set(pod.metadata.name, readyChangedAt(pod) ?? 0);
    const chat = await world.find<ChatCluster & KubeObject>(RESOURCES.chatClusters, "upgrades");
    for (const { waitsFor } of chat?.status?.drains ?? []) if (waitsFor !== undefined) waits.add(waitsFor);
  };
  for (const at of [1, 2]) fakes.connect(`upgrades-connector-${at}`, 150);
  await change("upgrades", { connectors: { maxConnectionsPerPod: 1_000 } });
  await passes("the new revision", fakes, async () => {
    await isOpen();
    await look();
    const names = (await fakes.pods()).map(({ metadata }) => metadata.name);
    return names.every((name) => /-[34]$/.test(name)) && level(fakes, 2)();
  });
  assert.equal(wasClosed, false, "there was always a way in");
  const startedAt = Math.max(...["3", "4"].map((at) => readyAt.get(`upgrades-connector-${at}`) ?? 0));
  const [firstAt = 0] = fakes.orderedAt;
  assert.ok(
    startedAt > 0 && firstAt - startedAt >= 10_000,
    `${firstAt - startedAt} ms after they were ready`,
  );
  assert.deepEqual([...waits].sort(), [
    "5 s of rest after the last connector moved its devices or ended",
    "the connectors that take its devices, until they have been ready for 10 s",
  ]);
  assert.deepEqual(
    fakes.orders.map(({ method, wasInService }) => [method, wasInService]),
    [
      ["POST", false],
      ["POST", false],
    ],
  );
  assert.equal(fakes.sockets("upgrades-connector-3") + fakes.sockets("upgrades-connector-4"), 300);
  assert.deepEqual(fakes.cut, []);
  await operator.stop();
  fakes.stop();
});

test("a pod is drained because a person says so, and its successor comes first", async () => {
  const fakes = await begin("asked", 2);
  const operator = world.startOperator({ resyncMs: 1_000 }, undefined, undefined, fakes.admin);
  await passes("two connectors", fakes, level(fakes, 2));
  for (const at of [1, 2]) fakes.connect(`asked-connector-${at}`, 100);
  const metadata = { annotations: { "chat.jichat.io/drain": "" } };
  await world.api.mergePatch(RESOURCES.pods, NAMESPACE, "asked-connector-2", { metadata });
  let fewest = Number.POSITIVE_INFINITY;
  await passes("another one in its place", fakes, async () => {
    fewest = Math.min(fewest, (await fakes.pods()).filter(isPodReady).length);
    return (
      (await fakes.pods()).every(({ metadata: { name } }) => name !== "asked-connector-2") &&
      level(fakes, 2)()
    );
  });
  assert.equal(fewest, 2);
  assert.deepEqual(fakes.cut, []);
  await operator.stop();
  fakes.stop();
});
