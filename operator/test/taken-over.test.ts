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

/** What an earlier operator left, on the real API server: it alone fills in defaults and checks strategies. */
let world: World;
const MS = 60_000;
const SPEC = {
  nats: { managed: { replicas: 3 } },
  clickhouse: { embedded: { storage: { size: "1Gi" } } },
  storage: { replicas: 1 },
};

before(async () => {
  world = await World.start();
});

after(async () => {
  await world.stop();
});

const start = (fakes: FakeServers) =>
  world.startOperator({ resyncMs: 1_000 }, undefined, undefined, undefined, { servers: fakes.admin });

/** Lets time pass until three servers are ready, and the operator rolls them. */
async function settled(fakes: FakeServers): Promise<void> {
  await until("three servers, rolled by the operator", MS, async () => {
    await fakes.step();
    const pods = await fakes.pods();
    return (
      (await fakes.set())?.spec?.updateStrategy?.type === "OnDelete" &&
      pods.length === 3 &&
      pods.every(isPodReady)
    );
  });
}

test("servers that an earlier operator left to Kubernetes are taken over, without a restart", async () => {
  const fakes = new FakeServers(world.api, "earlier");
  const cluster = chat("earlier", SPEC) as unknown as ChatCluster;
  await world.api.apply(RESOURCES.chatClusters, chat("earlier", SPEC));
  const first = start(fakes);
  await settled(fakes);
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
  await settled(fakes);
  assert.deepEqual(fakes.story, []);
  await second.stop();
});
