import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenBuckets } from "./token-bucket.ts";

test("the burst passes at once, one more waits as long as it says, then passes", () => {
  const buckets = new TokenBuckets(10, 20);
  for (let i = 0; i < 20; i += 1) assert.equal(buckets.spend("ann", 1, 0), 0);
  assert.equal(buckets.spend("ann", 1, 0), 100);
  assert.ok(buckets.spend("ann", 1, 99) > 0);
  assert.equal(buckets.spend("ann", 1, 100), 0);
  assert.equal(buckets.spend("bob", 1, 100), 0, "another key has a bucket of its own");
});

test("what is more than a bucket holds passes when it is full, and not before", () => {
  const buckets = new TokenBuckets(10, 20);
  assert.equal(buckets.spend("ann", 1_000, 0), 0);
  assert.ok(buckets.spend("ann", 1_000, 1_000) > 0);
  assert.equal(buckets.spend("ann", 1_000, 2_000), 0);
});

test("full buckets are forgotten, and there are never more than the limit", () => {
  const buckets = new TokenBuckets(10, 20, 100);
  for (let i = 0; i < 1_000; i += 1) buckets.spend(`u${i}`, 1, 0);
  assert.equal(buckets.size, 100);
  buckets.sweep(99);
  assert.equal(buckets.size, 100);
  buckets.sweep(100);
  assert.equal(buckets.size, 0);
});

test("asking how long it will be takes nothing, remembers nobody and says what taking says", () => {
  const buckets = new TokenBuckets(10, 20);
  assert.deepEqual([buckets.waitMs("ann", 5, 0), buckets.size], [0, 0]);
  assert.equal(buckets.spend("ann", 20, 0), 0);
  for (const now of [0, 50, 99, 100])
    assert.equal(buckets.waitMs("ann", 1, now), buckets.spend("ann", 1, now));
});
