import assert from "node:assert/strict";
import { test } from "node:test";
import { Day } from "./day.ts";

const asked = process.env["SCALE_SEED"];
const DAYS = Number(process.env["SCALE_DAYS"] ?? "150");

test("random days of load, faults and changes: never below what is wanted, never faster, always level", (t) => {
  if (asked !== undefined) {
    assert.deepEqual(new Day(Number(asked)).run(), []);
    return;
  }
  for (let seed = 1; seed <= DAYS; seed += 1)
    assert.deepEqual(new Day(seed).run(), [], `SCALE_SEED=${seed} repeats it`);
  t.diagnostic(`${DAYS} days`);
});
