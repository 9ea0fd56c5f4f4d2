import assert from "node:assert/strict";
import { test } from "node:test";
import { inputOf } from "../test/input.ts";
import { serversOf } from "./desired/desired.ts";
import { keptLabelsOf } from "./desired/names.ts";
import { dataClaim } from "./desired/resources.ts";
import type { KubeObject } from "./kube/object.ts";
import { Observed } from "./observed.ts";
import { withVolumes } from "./volumes.ts";

type Sized = KubeObject & {
  readonly spec: { readonly resources: { readonly requests: { readonly storage: string } } };
};
type Servers = KubeObject & { readonly spec: { readonly volumeClaimTemplates: readonly Sized[] } };

const storage = (size: string) => ({ nats: { managed: { replicas: 3, storage: { size }, image: "nats" } } });
const setOf = (objects: readonly KubeObject[]): Servers =>
  objects.find(({ kind, metadata }) => kind === "StatefulSet" && metadata.name === "chat-nats") as Servers;
const sizeOf = ({ spec }: Sized): string => spec.resources.requests.storage;
const claim = (name: string, size: string): KubeObject =>
  ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name, namespace: "people", labels: keptLabelsOf(inputOf().cluster, "nats") },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: size } } },
  }) as KubeObject;
const claims = (objects: readonly KubeObject[]): [string, string][] =>
  objects
    .filter(({ kind }) => kind === "PersistentVolumeClaim")
    .map((object) => [object.metadata.name, sizeOf(object as Sized)]);

test("each volume grows alone, and the immutable template stays unchanged", () => {
  const made = setOf(serversOf(inputOf(storage("10Gi"))));
  const standing = [
    made,
    claim("data-chat-nats-0", "10Gi"),
    claim("data-chat-nats-1", "20480Mi"), // Grown by an earlier pass.
    claim("data-chat-nats-2", "10Gi"),
    claim("data-chat-nats-routes-0", "1Gi"), // Of somebody else.
  ];
  const objects = withVolumes(serversOf(inputOf(storage("20Gi"))), new Observed(standing));
  assert.deepEqual(setOf(objects).spec.volumeClaimTemplates.map(sizeOf), ["10Gi"]);
  assert.deepEqual(claims(objects), [
    ["data-chat-nats-0", "20Gi"],
    ["data-chat-nats-2", "20Gi"],
  ]);
  assert.deepEqual(
    objects.find(({ metadata }) => metadata.name === "data-chat-nats-0"),
    {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "data-chat-nats-0", namespace: "people" },
      spec: { resources: { requests: { storage: "20Gi" } } },
    },
    "nothing else of it is ours",
  );
});

test("a new StatefulSet has the wanted size, and the operator creates no volume for it", () => {
  const objects = withVolumes(serversOf(inputOf(storage("20Gi"))), new Observed([]));
  assert.deepEqual(setOf(objects).spec.volumeClaimTemplates.map(sizeOf), ["20Gi"]);
  assert.deepEqual(claims(objects), []);
});

test("a volume that somebody enlarged by hand is not shrunk", () => {
  const made = setOf(serversOf(inputOf(storage("10Gi"))));
  const standing = new Observed([made, claim("data-chat-nats-0", "50Gi")]);
  assert.deepEqual(claims(withVolumes(serversOf(inputOf(storage("20Gi"))), standing)), []);

  const embedded = (size: string) => dataClaim(inputOf({ clickhouse: { embedded: { storage: { size } } } }));
  const wanted = embedded("20Gi") as unknown as KubeObject;
  const grown = new Observed([claim("chat-storage-data", "50Gi")]);
  const small = new Observed([claim("chat-storage-data", "10Gi")]);
  assert.deepEqual(claims(withVolumes([wanted], grown)), [["chat-storage-data", "50Gi"]]);
  assert.deepEqual(claims(withVolumes([wanted], small)), [["chat-storage-data", "20Gi"]]);
});
