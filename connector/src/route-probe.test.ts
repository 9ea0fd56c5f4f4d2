import assert from "node:assert/strict";
import { test } from "node:test";
import { HOLD_MS, HOLD_MS_MAX, LADDER, RouteProbe } from "./route-probe.ts";

/** Climbs the ladder from `at` on; resolves with the time at which all devices may go. */
function climb(probe: RouteProbe, at: number): number {
  let now = at;
  for (const { devices, waitMs } of LADDER) {
    assert.equal(probe.most(now), devices);
    probe.told(now, 0); // The rate, or places, allowed nobody.
    assert.equal(probe.most(now), devices);
    probe.told(now, devices);
    assert.equal(probe.most(now + waitMs - 1), 0);
    assert.equal(probe.isOver(now + waitMs - 1), false);
    now += waitMs;
  }
  return now;
}

test("few devices go first, and the others once none of them has come back", () => {
  const probe = new RouteProbe(100, 60_000);
  const free = climb(probe, 100);
  for (const now of [free, free + 60_000]) {
    assert.deepEqual([probe.most(now), probe.isOver(now)], [Infinity, true]);
    probe.told(now, 50);
  }
});

test("an arrival stops the others, also when many are on their way, and then few go first again", () => {
  const probe = new RouteProbe(0, 60_000);
  const free = climb(probe, 0);
  probe.told(free, 50);
  probe.arrived(free + 100);
  assert.deepEqual([probe.isQuiet(free + 100), probe.isOver(free + 100)], [false, false]);
  const again = free + 100 + HOLD_MS;
  assert.equal(probe.most(again - 1), 0);
  assert.equal(probe.isQuiet(again), true);
  assert.equal(probe.most(climb(probe, again)), Infinity);
});

test("those who arrive all the time hold the others for a bounded time, and less than the drain allows", () => {
  for (const until of [0, 500, 4_000, 60_000]) {
    const probe = new RouteProbe(0, until);
    let free = 0;
    for (; probe.most(free) !== Infinity; free += 10) probe.arrived(free);
    assert.equal(free, Math.min(until, HOLD_MS_MAX));
    probe.arrived(free);
    assert.equal(probe.isOver(free), true);
    assert.equal(probe.isQuiet(free), true);
  }
});

test("routes may lead here for 5 s after they did so", () => {
  const probe = new RouteProbe(0, 60_000);
  assert.deepEqual([probe.mayLeadHere(4_999), probe.mayLeadHere(5_000)], [true, false]);
  probe.arrived(4_000);
  assert.deepEqual([probe.mayLeadHere(8_999), probe.mayLeadHere(9_000)], [true, false]);
});
