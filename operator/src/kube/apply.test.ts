import { hashOf, canonical } from "./hash.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { APPLIED_ANNOTATION, applyIfChanged, holds, marked, quantityOf } from "./apply.ts";
import { Normalised } from "./normalised.ts";
import type { KubeObject } from "./object.ts";

const wanted: KubeObject & { readonly spec: { readonly ports: readonly object[]; readonly type: string } } = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "chat", namespace: "a", labels: { app: "chat" } },
  spec: { ports: [{ port: 80, name: "ws" }], type: "ClusterIP" },
};

/** An API server that notes what it is asked to apply. */
function server(): {
  api: { apply: <T extends KubeObject>(_: unknown, object: KubeObject) => Promise<T> };
  applied: KubeObject[];
} {
  const applied: KubeObject[] = [];
  return {
    applied,
    api: {
      apply: async <T extends KubeObject>(_: unknown, object: KubeObject) => {
        applied.push(object);
        return object as T;
      },
    },
  };
}

test("the same input has the same hash in any order of keys, and another input has another hash", () => {
  assert.equal(hashOf({ a: 1, b: { c: [1, { d: 2 }] } }), hashOf({ b: { c: [1, { d: 2 }] }, a: 1 }));
  assert.equal(hashOf({ a: 1, b: undefined }), hashOf({ a: 1 }));
  assert.notEqual(hashOf({ a: [1, 2] }), hashOf({ a: [2, 1] }));
  assert.equal(canonical({ b: null, a: "x" }), '{"a":"x","b":null}');
});

test("additions of the API server do not count as a difference, and changes by others do", () => {
  const observed = {
    ...wanted,
    metadata: { ...wanted.metadata, uid: "1", labels: { app: "chat", other: "x" } },
    spec: {
      type: "ClusterIP",
      clusterIP: "10.0.0.1",
      ports: [{ port: 80, name: "ws", protocol: "TCP", targetPort: 80 }],
    },
  };
  assert.ok(holds(observed, wanted));
  assert.ok(!holds({ ...observed, spec: { ...observed.spec, type: "NodePort" } }, wanted));
  assert.ok(!holds({ ...observed, spec: { ...observed.spec, ports: [] } }, wanted));
  assert.ok(!holds(undefined, wanted));
  assert.ok(holds({}, { ports: [] }), "an empty list is left out");
  assert.ok(!holds({ ports: [1] }, { ports: [] }));
});

test("quantities are compared by their value", () => {
  for (const [a, b] of [
    ["500m", "0.5"],
    ["1Gi", "1024Mi"],
    ["1", "1000m"],
    ["1k", 1_000],
  ])
    assert.ok(holds(a, b), `${a} and ${b}`);
  for (const [a, b] of [
    ["500m", "0.6"],
    ["1Gi", "1G"],
    ["abc", "abd"],
    [true, "1"],
    [undefined, "0"],
  ])
    assert.ok(!holds(a, b));
  assert.equal(quantityOf("1.5Ki"), 1_536);
  assert.deepEqual(["1e3", "2E", "5.", ".5G"].map(quantityOf), [1_000, 2e18, 5, 5e8]);
  assert.equal(quantityOf("many"), undefined);
});

test("an object is applied only if it is missing, if its input changed, or if somebody changed it", async () => {
  const { api, applied } = server();
  const first = await applyIfChanged(api, wanted, undefined);
  assert.deepEqual([first.changed, applied.length], [true, 1]);
  const stands = marked(wanted);
  assert.equal(
    first.object.metadata.annotations?.[APPLIED_ANNOTATION],
    stands.metadata.annotations?.[APPLIED_ANNOTATION],
  );

  assert.equal((await applyIfChanged(api, wanted, stands)).changed, false);
  const less = { ...wanted, spec: { ...wanted.spec, ports: [] } };
  assert.equal((await applyIfChanged(api, less, stands)).changed, true);
  // A field that is not wanted any more is noticed by the hash alone.
  const { labels: _, ...bare } = wanted.metadata;
  assert.equal((await applyIfChanged(api, { ...wanted, metadata: bare }, stands)).changed, true);
  const drifted = { ...stands, spec: { ...stands.spec, type: "NodePort" } };
  assert.equal((await applyIfChanged(api, wanted, drifted)).changed, true);
  assert.equal(applied.length, 4);
});

test("the API server's form of an input is not written again, and a change by somebody is", async () => {
  const empty = { ...wanted, spec: { ...wanted.spec, env: [{ name: "A", value: "" }], type: "ClusterIP" } };
  const applied: KubeObject[] = [];
  const api = {
    apply: async <T extends KubeObject>(_: unknown, object: KubeObject) => {
      applied.push(object);
      return { ...object, spec: { ...empty.spec, env: [{ name: "A" }] } } as object as T;
    },
  };
  const normalised = new Normalised();
  const { object } = await applyIfChanged(api, empty, undefined, normalised);
  const again = async (observed: typeof empty, input = empty): Promise<boolean> =>
    (await applyIfChanged(api, input, observed, normalised)).changed;
  assert.equal(await again(object), false);
  assert.equal(await again({ ...object, metadata: { ...object.metadata, resourceVersion: "2" } }), false);
  assert.equal(applied.length, 1);
  const changed = { ...object, spec: { ...object.spec, type: "NodePort" } };
  assert.equal(await again(changed), true, "somebody changed another field");
  assert.equal(await again(object), false);
  const next = { ...empty, spec: { ...empty.spec, ports: [] } };
  assert.equal(await again(object, next), true, "another input");
});
