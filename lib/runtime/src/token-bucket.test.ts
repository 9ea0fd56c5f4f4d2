import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenBuckets } from "./token-bucket.ts";

test("a burst passes at once, and one more passes after the wait that was named", () => {
  const buckets = new TokenBuckets(10, 20);
  for (let i = 0; i < 20; i += 1) assert.equal(buckets.spend("ann", 1, 0), 0);
  assert.equal(buckets.spend("ann", 1, 0), 100);
  assert.ok(buckets.spend("ann", 1, 99) > 0);
  assert.equal(buckets.spend("ann", 1, 100), 0);
  assert.equal(buckets.spend("bob", 1, 100), 0, "another key has a bucket of its own");
});

test("a charge above the size of a bucket passes only when the bucket is full", () => {
  const buckets = new TokenBuckets(10, 20);
  assert.equal(buckets.spend("ann", 1_000, 0), 0);
  assert.ok(buckets.spend("ann", 1_000, 1_000) > 0);
  assert.equal(buckets.spend("ann", 1_000, 2_000), 0);
});

test("full buckets are dropped, and their number stays within the limit", () => {
  const buckets = new TokenBuckets(10, 20, 100);
  for (let i = 0; i < 1_000; i += 1) buckets.spend(`u${i}`, 1, 0);
  assert.equal(buckets.size, 100);
  buckets.sweep(99);
  assert.equal(buckets.size, 100);
  buckets.sweep(100);
  assert.equal(buckets.size, 0);
});

test("a question for the wait charges nothing, stores nothing and gives the same wait as a charge", () => {
  const buckets = new TokenBuckets(10, 20);
  assert.deepEqual([buckets.waitMs("ann", 5, 0), buckets.size], [0, 0]);
  assert.equal(buckets.spend("ann", 20, 0), 0);
  for (const now of [0, 50, 99, 100])
    assert.equal(buckets.waitMs("ann", 1, now), buckets.spend("ann", 1, now));
});
