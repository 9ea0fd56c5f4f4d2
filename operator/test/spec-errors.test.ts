import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "@jichat/testkit/until.ts";
import type { ChatCluster } from "../src/crd/definition.ts";
import type { Workload } from "../src/desired/workloads.ts";
import { deployment } from "../src/desired/workloads.ts";
import type { KubeObject } from "../src/kube/object.ts";
import { RESOURCES } from "../src/kube/object.ts";
import { inputOf } from "./input.ts";
import { NAMESPACE, World, chat } from "./world.ts";

/** A spec that cannot be acted on, on the real API server. */
let world: World;
type Found = ChatCluster & KubeObject;

before(async () => {
  world = await World.start();
});

after(async () => {
  await world.stop();
});

const condition = async (type: string, reason: string): Promise<string> =>
  until(`${type} is ${reason}`, 20_000, async () => {
    const found = await world.find<Found>(RESOURCES.chatClusters, "named");
    return found?.status?.conditions.find(
      (one) =>
        one.type === type && one.reason === reason && one.observedGeneration === found.metadata.generation,
    )?.message;
  });

const replicasOf = async (name: string): Promise<number | undefined> =>
  (await world.find<Workload>(RESOURCES.deployments, name))?.spec.replicas;

test("all objects of the previous spec are kept while a Secret that the spec names is missing", async () => {
  const operator = world.startOperator({ resyncMs: 1_000 });
  const cluster = await world.api.apply<Found>(RESOURCES.chatClusters, chat("named"));
  // No backend answers here; to who finds a router the cluster runs, and is kept.
  await world.api.apply(RESOURCES.deployments, deployment({ ...inputOf(), cluster }, "router"));
  await until("its api", 20_000, async () => world.find(RESOURCES.deployments, "named-api"));
  await condition("SpecValid", "Accepted");

  await world.api.mergePatch(RESOURCES.chatClusters, NAMESPACE, "named", {
    spec: { auth: { secret: "nowhere" }, routers: { replicas: 3 }, partitions: 16, api: { replicas: 4 } },
  });
  await world.api.remove(RESOURCES.services, NAMESPACE, "named-connector");
  assert.match(await condition("SpecValid", "SecretMissing"), /spec\.auth\.secret names Secret nowhere/);
  await condition("Reconciled", "SecretMissing");
  await until("the Service is back", 20_000, async () => world.find(RESOURCES.services, "named-connector"));
  await until("as many pods as are wanted", 20_000, async () => {
    const [routers, api] = [await replicasOf("named-router"), await replicasOf("named-api")];
    return routers === 3 && api === 4 ? true : undefined;
  });

  await world.api.mergePatch(RESOURCES.chatClusters, NAMESPACE, "named", {
    spec: { auth: { secret: null } },
  });
  await condition("SpecValid", "Accepted");
  await operator.stop();
});
