import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ChatCluster } from "../src/crd/definition.ts";
import { FINALIZER } from "../src/finalize.ts";
import { isNotFound } from "../src/kube/errors.ts";
import type { KubeObject } from "../src/kube/object.ts";
import { RESOURCES } from "../src/kube/object.ts";
import { until } from "@jichat/testkit/until.ts";
import { World, chat } from "./world.ts";

/** A namespace that goes with the operator inside it. The test is the controller that deletes what is there. */
const INSIDE = "inside";
let world: World;

before(async () => {
  world = await World.start();
});

after(async () => {
  await world.stop();
});

type Found = ChatCluster & KubeObject;
const get = async (name: string): Promise<Found | undefined> =>
  world.api.get<Found>(RESOURCES.chatClusters, INSIDE, name).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
const apply = async (name: string, spec: object): Promise<void> => {
  const wanted = chat(name, { hibernate: true, ...spec });
  await world.api.apply(RESOURCES.chatClusters, {
    ...wanted,
    metadata: { ...wanted.metadata, namespace: INSIDE },
  });
};
const isHeld = async (name: string, wanted: boolean): Promise<void> => {
  await until(`${name} is ${wanted ? "held" : "held by nobody"}`, 20_000, async () => {
    const { metadata, status } = (await get(name)) ?? {};
    if (status?.conditions.length === undefined || status.conditions.length === 0) return undefined;
    return (metadata?.finalizers?.includes(FINALIZER) === true) === wanted ? true : undefined;
  });
};

test("a namespace is deleted with its operator, kept data does not block it, and leftovers are reported", async () => {
  await world.api.apply(RESOURCES.namespaces, {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: INSIDE },
  });
  const operator = world.startOperator({ namespace: INSIDE, lease: "inside", resyncMs: 1_000 });
  const external = {
    nats: { external: { url: "nats://127.0.0.1:1" } },
    clickhouse: { external: { url: "http://127.0.0.1:1" } },
  };
  await apply("kept", external);
  await apply("managed", { deletionPolicy: "Delete" });
  await apply("outside", { ...external, deletionPolicy: "Delete" });
  await isHeld("kept", false);
  await isHeld("managed", true);
  await isHeld("outside", true);
  await apply("outside", external);
  await isHeld("outside", false);
  await apply("outside", { ...external, deletionPolicy: "Delete" });
  await isHeld("outside", true);

  await world.api.remove(RESOURCES.namespaces, undefined, INSIDE);
  await operator.stop();
  for (const name of ["kept", "managed", "outside"])
    await world.api.remove(RESOURCES.chatClusters, INSIDE, name);
  assert.equal(await get("kept"), undefined);
  assert.equal(await get("managed"), undefined);
  const left = await get("outside");
  const degraded = left?.status?.conditions.find(({ type }) => type === "Degraded");
  assert.equal(degraded?.reason, "DeletionBlocked");
  assert.match(
    degraded.message,
    /Not deleted: streams and buckets .*127\.0\.0\.1:1; database .*kubectl chat release outside -n inside/,
  );
});
