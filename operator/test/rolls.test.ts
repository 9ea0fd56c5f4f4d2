import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "@jichat/testkit/until.ts";
import type { ChatCluster } from "../src/crd/definition.ts";
import { labelsOf, selectorOf } from "../src/desired/names.ts";
import type { KubeObject } from "../src/kube/object.ts";
import { RESOURCES } from "../src/kube/object.ts";
import { isPodReady } from "../src/pod-object.ts";
import { FakeServers } from "./fake-servers.ts";
import { NAMESPACE, World, chat } from "./world.ts";

/** Rolls of managed nats-servers, on the real API server. Fake servers answer as the real ones do. */
let world: World;
const MS = 60_000;

before(async () => {
  world = await World.start();
});

after(async () => {
  await world.stop();
});

const NATS = { managed: { replicas: 3 } };
const SPEC = { nats: NATS, clickhouse: { embedded: { storage: { size: "1Gi" } } } };
const start = (fakes: FakeServers) =>
  world.startOperator({ resyncMs: 1_000 }, undefined, undefined, undefined, { servers: fakes.admin });

/** Lets time pass until something holds. */
const passes = async (what: string, fakes: FakeServers, holds: () => Promise<boolean>): Promise<void> => {
  await until(what, MS, async () => {
    await fakes.step();
    return (await holds()) ? true : undefined;
  });
};

/** Three servers of the wanted template, all ready, and rolled by the operator. */
const settled = (fakes: FakeServers) => async (): Promise<boolean> => {
  const revision = await fakes.wanted();
  const pods = await fakes.pods();
  return (
    (await fakes.set())?.spec?.updateStrategy?.type === "OnDelete" &&
    pods.length === 3 &&
    pods.every((pod) => isPodReady(pod) && pod.metadata.labels?.["controller-revision-hash"] === revision)
  );
};

const change = async (name: string, image: string): Promise<void> => {
  await world.api.mergePatch(RESOURCES.chatClusters, NAMESPACE, name, {
    spec: { nats: { managed: { image } } },
  });
};

async function condition(name: string, type: string): Promise<string> {
  const found = await world.find<ChatCluster & KubeObject>(RESOURCES.chatClusters, name);
  const one = found?.status?.conditions.find((each) => each.type === type);
  return `${one?.status} ${one?.reason} ${one?.message}`;
}

async function eventsOf(name: string): Promise<readonly string[]> {
  const { items } = await world.api.list<KubeObject & { reason?: string; note?: string }>(
    RESOURCES.events,
    NAMESPACE,
  );
  return items
    .filter(({ note, reason }) => reason === "ServerRestarts" && note?.startsWith(name) === true)
    .map(({ note = "" }) => note.split(" ")[0] ?? "");
}

test("a new image restarts one nats-server at a time, only while every stream is level, the leader of all last", async () => {
  const fakes = new FakeServers(world, "rolls");
  await world.api.apply(RESOURCES.chatClusters, chat("rolls", SPEC));
  const operator = start(fakes);
  await passes("three servers", fakes, settled(fakes));
  fakes.story.length = 0;
  fakes.fewest = 3;
  fakes.behind = ["LOG-3 is behind on rolls-nats-1"];
  await change("rolls", "nats:2");
  await passes("Progressing says what is waited for", fakes, async () =>
    (await condition("rolls", "Progressing")).includes(": LOG-3 is behind on rolls-nats-1"),
  );
  for (let look = 0; look < 20; look += 1) await fakes.step();
  assert.deepEqual(fakes.story, [], "nothing restarts");
  fakes.behind = [];
  await passes("all have the new image", fakes, settled(fakes));
  assert.deepEqual(
    fakes.story,
    ["rolls-nats-1", "rolls-nats-0", "rolls-nats-2"].flatMap((name) => [
      `${name} leads nothing`,
      `${name} is made`,
    ]),
  );
  assert.equal(fakes.fewest, 2, "at most one was away");
  const restarted = [...(await eventsOf("rolls"))].sort();
  assert.deepEqual(restarted, ["rolls-nats-0", "rolls-nats-1", "rolls-nats-2"]);
  await passes(
    "the roll is over",
    fakes,
    async () => !(await condition("rolls", "Progressing")).includes("nats"),
  );
  await operator.stop();
});

test("an operator that dies in the middle is followed by one that goes on, and a bad template stops at one server", async () => {
  const fakes = new FakeServers(world, "goes-on");
  await world.api.apply(RESOURCES.chatClusters, chat("goes-on", SPEC));
  const first = start(fakes);
  await passes("three servers", fakes, settled(fakes));
  fakes.story.length = 0;
  fakes.comesUp = false;
  await change("goes-on", "nats:2");
  await passes("one is made", fakes, async () => fakes.story.includes("goes-on-nats-1 is made"));
  await first.stop();
  const second = start(fakes);
  await passes("it is waited for", fakes, async () =>
    (await condition("goes-on", "Progressing")).includes("goes-on-nats-1 is not ready"),
  );
  for (let look = 0; look < 20; look += 1) await fakes.step();
  assert.deepEqual(fakes.story, ["goes-on-nats-1 leads nothing", "goes-on-nats-1 is made"]);
  // Nothing of it runs, so that it is replaced first, and two go on serving.
  fakes.story.length = 0;
  await change("goes-on", "nats:3");
  await passes("it is made again", fakes, async () => fakes.story.includes("goes-on-nats-1 is made"));
  fakes.comesUp = true;
  await passes("all have the next image", fakes, settled(fakes));
  assert.deepEqual(
    fakes.story.filter((line) => line.endsWith("is made")),
    ["goes-on-nats-1 is made", "goes-on-nats-0 is made", "goes-on-nats-2 is made"],
  );
  await second.stop();
});

test("servers that an earlier operator left to Kubernetes are taken over, without a restart", async () => {
  const fakes = new FakeServers(world, "earlier");
  const cluster = chat("earlier", SPEC) as unknown as ChatCluster;
  await world.api.apply(RESOURCES.chatClusters, chat("earlier", SPEC));
  const first = start(fakes);
  await passes("three servers", fakes, settled(fakes));
  await first.stop();
  // As an earlier operator applies it: the API server adds `rollingUpdate`, which OnDelete must not have.
  const set = (await fakes.set()) ?? assert.fail();
  await world.api.remove(RESOURCES.statefulSets, NAMESPACE, set.metadata.name);
  const { updateStrategy: _, ...spec } = set.spec ?? assert.fail();
  await first.api.apply(RESOURCES.statefulSets, {
    apiVersion: set.apiVersion,
    kind: set.kind,
    metadata: { name: set.metadata.name, namespace: NAMESPACE, labels: labelsOf(cluster, "nats") },
    spec: { ...spec, selector: { matchLabels: selectorOf(cluster, "nats") } },
  } as unknown as KubeObject);
  assert.equal((await fakes.set())?.spec?.updateStrategy?.type, "RollingUpdate");
  fakes.story.length = 0;
  const second = start(fakes);
  await passes("the strategy is taken over", fakes, settled(fakes));
  assert.deepEqual(fakes.story, []);
  await second.stop();
});
