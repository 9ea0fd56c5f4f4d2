import assert from "node:assert/strict";
import { test } from "node:test";
import { RedisTime } from "./redis-time.ts";

test("the quickest answer of two minutes gives the time of Redis", () => {
  let now = 5_000;
  const time = new RedisTime(() => now);
  assert.equal(time.now(), undefined);
  const start = 1_800_000_000_000_000;
  /** After `ms`, an answer that took `wayMs`. */
  const after = (ms: number, wayMs: number): number | undefined => {
    now += ms;
    time.told(start + 1_000 * (now - 5_000 - wayMs));
    return (time.now() ?? 0) - start - 1_000 * (now - 5_000);
  };
  assert.equal(after(0, 80), -80_000);
  assert.equal(after(100, 2), -2_000);
  assert.equal(after(1_000, 300), -2_000, "a slow answer tells nothing new");
  assert.equal(after(60_000, 40), -2_000);
  assert.equal(after(60_001, 40), -40_000, "the quick one is too long ago: clocks drift");
  now += 3_600_000;
  assert.equal((time.now() ?? 0) - start - 1_000 * (now - 5_000), -40_000, "what was told last counts on");
});

test("the latest time stays, even if another Redis is behind", () => {
  const time = new RedisTime(() => 0);
  assert.equal(time.latest, 0);
  for (const told of [7, 9, 3]) time.told(told);
  assert.equal(time.latest, 9);
});
