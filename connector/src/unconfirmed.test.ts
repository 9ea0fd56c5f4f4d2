import assert from "node:assert/strict";
import { test } from "node:test";
import { Unconfirmed, gapTime } from "./unconfirmed.ts";

test("what was delivered is confirmed by a sign of life behind the next sweep, and not by one before it", () => {
  const delivered = new Unconfirmed();
  assert.equal(delivered.since, undefined);
  delivered.delivered(1_000);
  delivered.delivered(2_000);
  assert.equal(delivered.since, 999, "from before the oldest on");
  delivered.heard(); // It may have been on its way when the event was written.
  assert.equal(delivered.since, 999);
  delivered.sweep();
  delivered.heard();
  assert.equal(delivered.since, undefined);
});

test("a sign of life leaves what was delivered since the latest sweep", () => {
  const delivered = new Unconfirmed();
  delivered.delivered(1_000);
  delivered.sweep();
  delivered.delivered(3_000);
  assert.equal(delivered.since, 999);
  delivered.heard();
  assert.equal(delivered.since, 2_999);
  delivered.sweep();
  delivered.sweep();
  delivered.delivered(5_000);
  delivered.sweep();
  assert.equal(delivered.since, 2_999, "the oldest counts");
});

test("a gap counts as old as what it may stand for", () => {
  const delivered = new Unconfirmed();
  delivered.delivered(100_000);
  delivered.delivered(gapTime(100_001));
  assert.equal(delivered.since, 40_000);
});
