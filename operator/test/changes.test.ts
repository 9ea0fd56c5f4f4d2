import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "@jichat/testkit/until.ts";
import type { ChatCluster } from "../src/crd/definition.ts";
import { definition } from "../src/crd/definition.ts";
import { labelsOf } from "../src/desired/names.ts";
import type { KubeObject, Resource } from "../src/kube/object.ts";
import { RESOURCES } from "../src/kube/object.ts";
import { CRDS, NAMESPACE, World, chat } from "./world.ts";

/** Changes on the real API server: volumes that grow and such as can't, and what an older CRD let through. */
let world: World;

const CLASSES: Resource = {
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  plural: "storageclasses",
  namespaced: false,
};
type Claim = KubeObject & {
  readonly spec: { readonly resources: { readonly requests: Readonly<Record<string, string>> } };
};
type Servers = KubeObject & {
  readonly spec: { readonly volumeClaimTemplates: readonly Claim[]; readonly replicas: number };
};

before(async () => {
  world = await World.start();
});

after(async () => {
  await world.stop();
});

async function condition(name: string, type: string, reason: string): Promise<string> {
  return until(`${type} of ${name} is ${reason}`, 20_000, async () => {
    const found = await world.find<ChatCluster & KubeObject>(RESOURCES.chatClusters, name);
    return found?.status?.conditions.find((one) => one.type === type && one.reason === reason)?.message;
  });
}

/** What the StatefulSet's controller and a provisioner would make, had they been here. */
async function volume(name: string, at: number, storageClassName: string): Promise<void> {
  const metadata = {
    name: `data-${name}-nats-${at}`,
    namespace: NAMESPACE,
    labels: labelsOf({ metadata: { name } } as ChatCluster, "nats"),
  };
  const claim = { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata };
  const resources = { requests: { storage: "10Gi" } };
  await world.api.create(RESOURCES.volumeClaims, {
    ...claim,
    spec: { accessModes: ["ReadWriteOnce"], resources, storageClassName, volumeName: `${name}-${at}` },
  } as KubeObject);
  const status = { phase: "Bound", capacity: { storage: "10Gi" }, accessModes: ["ReadWriteOnce"] };
  const { name: of, namespace } = metadata;
  const bound = { ...claim, metadata: { name: of, namespace }, status } as KubeObject;
  await world.api.apply(RESOURCES.volumeClaims, bound, { subresource: "status" });
}

const sizeOf = async (name: string): Promise<string | undefined> =>
  (await world.find<Claim>(RESOURCES.volumeClaims, name))?.spec.resources.requests["storage"];

test("volumes grow if their class allows it, one that cannot is reported, and all else is kept", async () => {
  for (const [name, allowVolumeExpansion] of [
    ["grows", true],
    ["rigid", false],
  ] as const)
    await world.api.apply(CLASSES, {
      apiVersion: CLASSES.apiVersion,
      kind: CLASSES.kind,
      metadata: { name },
      provisioner: "example.com/none",
      allowVolumeExpansion,
    } as KubeObject);
  const operator = world.startOperator({ resyncMs: 1_000 });
  await world.api.apply(RESOURCES.chatClusters, chat("big"));
  await until("the servers", 20_000, async () => world.find(RESOURCES.statefulSets, "big-nats"));
  await volume("big", 0, "grows");
  await volume("big", 1, "rigid");
  await world.api.mergePatch(RESOURCES.chatClusters, NAMESPACE, "big", {
    spec: {
      nats: { managed: { storage: { size: "20Gi" }, image: "nats:next" } },
      connectors: { service: { port: 81 } },
    },
  });
  assert.match(
    await condition("big", "Reconciled", "ApplyRefused"),
    /^PersistentVolumeClaim data-big-nats-1: .*resize.*allowVolumeExpansion/,
  );
  assert.equal(await sizeOf("data-big-nats-0"), "20Gi");
  assert.equal(await sizeOf("data-big-nats-1"), "10Gi");
  const set = await world.find<Servers>(RESOURCES.statefulSets, "big-nats");
  assert.ok(
    JSON.stringify(set?.spec).includes('"nats:next"'),
    "the StatefulSet takes the rest of the change",
  );
  assert.equal(set?.spec.volumeClaimTemplates[0]?.spec.resources.requests["storage"], "10Gi");
  await world.api.mergePatch(CLASSES, undefined, "rigid", { allowVolumeExpansion: true });
  await condition("big", "Reconciled", "Applied");
  assert.equal(await sizeOf("data-big-nats-1"), "20Gi");
  await operator.stop();
});

test("the operator refuses a change that an older CRD allowed, and applies nothing of it", async () => {
  const operator = world.startOperator({ resyncMs: 1_000 });
  await world.api.apply(RESOURCES.chatClusters, chat("older"));
  await until("the servers", 20_000, async () => world.find(RESOURCES.statefulSets, "older-nats"));
  await condition("older", "SpecValid", "Accepted");
  const lax = JSON.parse(
    JSON.stringify(definition(), (key: string, value: unknown) =>
      key === "x-kubernetes-validations" ? undefined : value,
    ),
  ) as KubeObject;
  await world.api.apply(CRDS, lax);
  const spec = { durability: { replicas: 1 }, nats: { managed: { replicas: 1 } } };
  await until("the older CRD lets it through", 20_000, async () =>
    world.api.mergePatch(RESOURCES.chatClusters, NAMESPACE, "older", { spec }).then(
      () => true,
      () => undefined,
    ),
  );
  assert.match(
    await condition("older", "SpecValid", "ChangeRefused"),
    /nats\.managed\.replicas cannot change/,
  );
  await condition("older", "Reconciled", "ChangeRefused");
  const set = await world.find<Servers>(RESOURCES.statefulSets, "older-nats");
  assert.equal(set?.spec.replicas, 3);
  await operator.stop();
});
