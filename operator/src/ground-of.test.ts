import assert from "node:assert/strict";
import { test } from "node:test";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { clusterOf } from "../test/input.ts";
import { keptLabelsOf } from "./desired/names.ts";
import { changeRefused, groundOf } from "./ground-of.ts";
import { KeyMemory } from "./key-memory.ts";
import type { KubeObject } from "./kube/object.ts";
import { Observed } from "./observed.ts";
import { inputOf } from "./input-of.ts";

const MADE = "2026-03-03T00:00:00Z";
const cluster = (spec: object = {}, status?: object) => {
  const plain = clusterOf(spec);
  const { metadata } = plain;
  return {
    ...plain,
    metadata: { ...metadata, creationTimestamp: MADE },
    ...(status === undefined ? {} : { status }),
  } as typeof plain;
};
const nothing = new Observed([]);
const one = { nats: { managed: { replicas: 1, storage: { size: "10Gi" } } }, durability: { replicas: 1 } };

const servers = (replicas: number): KubeObject =>
  ({
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { namespace: "people", name: "chat-nats" },
    spec: { replicas },
  }) as KubeObject;
const volumes = (count: number, creationTimestamp: string): KubeObject[] =>
  Array.from({ length: count }, (_, at) => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: {
      namespace: "people",
      name: `data-chat-nats-${at}`,
      labels: keptLabelsOf(cluster(), "nats"),
      creationTimestamp,
    },
  }));

test("a change that an older CRD allowed is compared with the recorded status", async () => {
  const ground = groundOf(cluster());
  assert.equal(changeRefused(cluster({}, { ground }), nothing), undefined);
  const changed = cluster(one, { ground });
  assert.match(changeRefused(changed, nothing) ?? "", /nats\.managed\.replicas cannot change/);
  const options = {
    api: undefined as never,
    version: "1.2.3",
    operator: { namespace: "n", labels: {}, podUsers: "fixed" as const },
    keyMemory: new KeyMemory(),
    clock: new HandClock(),
  };
  await assert.rejects(inputOf(changed, nothing, options), { name: "SpecError", reason: "ChangeRefused" });
  const { metadata } = changed;
  const deleted = { ...changed, metadata: { ...metadata, deletionTimestamp: MADE } };
  assert.equal((await inputOf(deleted, nothing, options)).version, "1.2.3", "it can be deleted all the same");
});

test("running servers give the ground if no status has it, and volumes give it during hibernation", () => {
  const seen = (spec: object, ...objects: readonly KubeObject[]) =>
    changeRefused(cluster(spec), new Observed(objects)) ?? "";
  assert.equal(seen({}, servers(3)), "");
  assert.match(seen({}, servers(1)), /nats\.managed\.replicas/);
  assert.match(seen(one, servers(3)), /nats\.managed\.replicas/);
  assert.match(seen({ nats: { external: { url: "nats://a:4222" } } }, servers(3)), /nats cannot move/);
  assert.match(seen(one, servers(0), ...volumes(3, MADE)), /nats\.managed\.replicas/);
  assert.equal(seen({}, servers(0), ...volumes(3, MADE)), "");
});

test("volumes that an earlier ChatCluster of the name left count, and new ones do not", () => {
  const seen = (spec: object, at: string) => changeRefused(cluster(spec), new Observed(volumes(1, at))) ?? "";
  assert.match(seen({}, "2026-01-01T00:00:00Z"), /nats\.managed\.replicas/);
  assert.equal(seen(one, "2026-01-01T00:00:00Z"), "");
  assert.equal(seen({}, MADE), "");
});
