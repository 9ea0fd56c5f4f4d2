import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenBuckets } from "@jichat/runtime/token-bucket.ts";
import { AddressBudget } from "./address-budget.ts";

test("the frames of one address share a bound, and other addresses are not affected", () => {
  const budget = new AddressBudget(new TokenBuckets(100));
  for (let i = 0; i < 200; i += 1) assert.equal(budget.spend("a", 1_024, 0), 0);
  assert.equal(budget.spend("a", 1, 0), 10);
  assert.equal(budget.spend("b", 1, 0), 0);
  assert.equal(budget.waitMs("a", 9), 1);
  assert.equal(budget.waitMs("a", 10), 0, "asking costs nothing");
  assert.equal(budget.waitMs("b", 0), 0);
  assert.equal(budget.spend("a", 1, 10), 0);
});

test("a long frame costs by its length, and passes at any length", () => {
  const budget = new AddressBudget(new TokenBuckets(100));
  assert.equal(budget.spend("a", 1_025, 0), 0);
  for (let i = 0; i < 198; i += 1) assert.equal(budget.spend("a", 0, 0), 0);
  assert.ok(budget.spend("a", 0, 0) > 0);
  assert.equal(budget.spend("a", 1_000_000, 2_000), 0);
  assert.ok(budget.spend("a", 1_000_000, 3_999) > 0);
});

test("a clock that steps back takes nothing from a bucket, and full buckets are dropped", () => {
  const buckets = new TokenBuckets(100);
  const budget = new AddressBudget(buckets);
  assert.equal(budget.spend("a", 1, 10_000), 0);
  assert.equal(budget.spend("a", 1, 1_000), 0);
  budget.sweep(1_000);
  assert.equal(buckets.size, 1);
  budget.sweep(1_020);
  assert.equal(buckets.size, 0);
});
