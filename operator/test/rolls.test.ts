import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { until } from "@jichat/testkit/until.ts";
import type { ChatCluster } from "../src/crd/definition.ts";
import type { KubeObject } from "../src/kube/object.ts";
import { RESOURCES } from "../src/kube/object.ts";
import { connectorAdmin } from "../src/scale/ask-connectors.ts";
import { askPods } from "../src/ask-pods.ts";
import { labelsOf } from "../src/desired/names.ts";
import { KubeApi } from "../src/kube/api.ts";
import { isPodReady } from "../src/pod-object.ts";
import { FakeServers } from "./fake-servers.ts";
import { FakeApiServer } from "./fake-api-server.ts";
import { clusterOf } from "./input.ts";
import { NAMESPACE, WELL, chat, startOperator } from "./world.ts";

/** Rolls of managed nats-servers, on a fake API server. Fake nats-servers answer as the real ones do. */
let server: FakeApiServer;
let api: KubeApi;
const MS = 60_000;

beforeEach(async () => {
  server = await FakeApiServer.start();
  api = new KubeApi(server.config, "test");
});

afterEach(() => {
  server.stop();
});

const { spec: SPEC } = clusterOf({
  nats: { managed: { replicas: 3 } },
  clickhouse: { embedded: { storage: { size: "1Gi" } } },
});

const start = (fakes: FakeServers) =>
  startOperator(
    new KubeApi(server.config, "jichat-operator"),
    { resyncMs: 1_000, watchNamespaces: [NAMESPACE] },
    { talk: async () => WELL, askPods, connectors: connectorAdmin(), servers: fakes.admin },
  );

/** A ChatCluster whose routers run, so that nothing waits for backends that are not there. */
async function begin(name: string): Promise<FakeServers> {
  const labels = labelsOf({ metadata: { name } } as ChatCluster, "router");
  await api.create(RESOURCES.deployments, {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: `${name}-router`, namespace: NAMESPACE, labels },
    spec: { replicas: 0, template: { metadata: { labels }, spec: { containers: [] } } },
  } as KubeObject);
  await api.apply(RESOURCES.chatClusters, chat(name, SPEC));
  return new FakeServers(api, name);
}

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
  await api.mergePatch(RESOURCES.chatClusters, NAMESPACE, name, {
    spec: { nats: { managed: { image } } },
  });
};

async function condition(name: string, type: string): Promise<string> {
  const found = await api.get<ChatCluster & KubeObject>(RESOURCES.chatClusters, NAMESPACE, name);
  const one = found.status?.conditions.find((each) => each.type === type);
  return `${one?.status} ${one?.reason} ${one?.message}`;
}

async function eventsOf(name: string): Promise<readonly string[]> {
  const { items } = await api.list<KubeObject & { reason?: string; note?: string }>(
    RESOURCES.events,
    NAMESPACE,
  );
  return items
    .filter(({ note, reason }) => reason === "ServerRestarts" && note?.startsWith(name) === true)
    .map(({ note = "" }) => note.split(" ")[0] ?? "");
}

test("a new image restarts one nats-server at a time, only while every stream is level, the leader of all last", async () => {
  const fakes = await begin("rolls");
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
  const fakes = await begin("goes-on");
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
