import assert from "node:assert/strict";
import { test } from "node:test";
import { afterWave } from "./most-borne.ts";

test("waves come until the most is reached, or p99 says that it was one too many", () => {
  assert.equal(afterWave(100, 20, 2_000), "grow");
  assert.equal(afterWave(1_900, 800, 2_000), "grow");
  assert.equal(afterWave(2_000, 800, 2_000), "stay");
  assert.equal(afterWave(300, 801, 2_000), "shrink");
  assert.equal(afterWave(300, undefined, 2_000), "shrink", "no ack at all is not fast");
});
