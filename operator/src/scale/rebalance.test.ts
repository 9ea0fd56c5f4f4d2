import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterOf } from "../../test/input.ts";
import { askedOf } from "./rebalance.ts";

const asked = (value: string | undefined, rebalanced?: string) => {
  const cluster = clusterOf();
  const annotations = value === undefined ? {} : { "chat.jichat.io/rebalance": value };
  const status = {
    observedGeneration: 1,
    conditions: [],
    ...(rebalanced === undefined ? {} : { rebalanced }),
  };
  return askedOf({ metadata: { ...cluster.metadata, annotations }, status });
};

test("a request counts until it is done, and a status has room for it", () => {
  assert.equal(asked(undefined), undefined);
  assert.equal(asked(""), undefined);
  assert.equal(asked("a"), "a");
  assert.equal(asked("a", "a"), undefined);
  assert.equal(asked("b", "a"), "b");
  assert.equal(asked("x".repeat(65)), "x".repeat(64));
  assert.equal(asked("x".repeat(65), "x".repeat(64)), undefined);
});
