import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterOf, inputOf } from "../test/input.ts";
import { lastInput } from "./last-input.ts";

test("the last valid spec is kept, with the number of pods of the present one", () => {
  const before = inputOf({ version: "1.0.0", routers: { replicas: 2, template: { labels: { a: "b" } } } });
  const now = clusterOf({ version: "2.0.0", routers: { replicas: 5 }, api: { replicas: 0 } });
  const { spec } = lastInput(before, now)?.cluster ?? assert.fail("nothing is kept");
  assert.equal(spec.version, "1.0.0");
  assert.deepEqual(spec.routers, { replicas: 5, template: { labels: { a: "b" } } });
  assert.equal(spec.api.replicas, 0);
  assert.equal(spec.storage.replicas, 2);
});

test("the last input of another ChatCluster of the same name is not used", () => {
  const now = clusterOf();
  const other = { ...now, metadata: { ...now.metadata, uid: "another" } };
  assert.equal(lastInput(inputOf(), other), undefined);
  assert.equal(lastInput(undefined, now), undefined);
});

test("a rebalance waits for a spec that can be applied, and other annotations are kept", () => {
  const now = clusterOf();
  const annotations = { "chat.jichat.io/rebalance": "now", "chat.jichat.io/promote": "abc" };
  const kept = lastInput(inputOf(), { ...now, metadata: { ...now.metadata, annotations } });
  assert.deepEqual(kept?.cluster.metadata.annotations, { "chat.jichat.io/promote": "abc" });
});

test("the embedded engine stays one process", () => {
  const before = inputOf({
    storage: { replicas: 1 },
    clickhouse: { embedded: { storage: { size: "1Gi" } } },
  });
  const kept = lastInput(before, clusterOf({ storage: { replicas: 3 } }));
  assert.equal(kept?.cluster.spec.storage.replicas, 1);
});
