import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "./kube/object.ts";
import { Observed } from "./observed.ts";
import { WriteMemory } from "./write-memory.ts";

const pod = (resourceVersion: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "a", namespace: "n", uid: "u", resourceVersion },
});
const seenOver = (memory: WriteMemory, reported: string): string | undefined =>
  [...memory.over(new Observed([pod(reported)])).objects.values()][0]?.metadata.resourceVersion;

test("what was written counts until the watch reports it, or what came later", () => {
  const memory = new WriteMemory();
  assert.equal(seenOver(memory, "1"), "1");
  memory.wrote(pod("1"), pod("4"));
  memory.wrote(pod("1"), pod("5"));
  assert.equal(seenOver(memory, "1"), "5");
  assert.equal(seenOver(memory, "4"), "5", "the watch has only the first of the two writes");
  memory.wrote(pod("5"), pod("7"));
  assert.equal(seenOver(memory, "1"), "7");
  assert.equal(seenOver(memory, "6"), "6", "somebody else wrote in between");
  assert.equal(seenOver(memory, "1"), "1", "it is forgotten then");
});

test("an answer without a kind, as to a patch of some servers, keeps that of the object", () => {
  const memory = new WriteMemory();
  const { metadata } = pod("2");
  memory.wrote(pod("1"), { metadata } as KubeObject);
  assert.equal(memory.over(new Observed([pod("1")])).ofKind("Pod").length, 1);
});
