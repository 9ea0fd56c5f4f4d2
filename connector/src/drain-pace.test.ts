import assert from "node:assert/strict";
import { test } from "node:test";
import type { Announcement } from "@jichat/presence/announcement.ts";
import { Dice } from "@jichat/protocol/dice.ts";
import {
  SETTLED_MS,
  STEP_MS,
  UNSEEN_MS,
  delaysOf,
  evenSpreadMs,
  graceOf,
  placesIn,
  spareMs,
  successorsOf,
  toldNow,
  waitMsMax,
} from "./drain-pace.ts";
import { ToldCount } from "./told-count.ts";

const NOW = 1_800_000_000_000;
const OWN = { connector: "c1", revision: "r1", startedAt: NOW - 60_000 };
const says = (more: Partial<Announcement> = {}): Announcement => ({
  revision: "r1",
  acceptsSince: NOW - SETTLED_MS,
  startedAt: NOW - 90_000,
  sockets: 10,
  socketsMax: 100,
  ...more,
});

const OTHERS = [
  { what: "of the same revision", says: says(), isOne: true },
  { what: "of another revision, started later", says: says({ revision: "r2", startedAt: NOW }), isOne: true },
  { what: "of another revision, started before", says: says({ revision: "r0" }), isOne: false },
  { what: "that does not accept", says: says({ acceptsSince: 0 }), isOne: false },
  { what: "that accepts since a moment", says: says({ acceptsSince: NOW - SETTLED_MS + 1 }), isOne: false },
  { what: "of an earlier build", says: undefined, isOne: true },
] as const;

for (const { what, says: said, isOne } of OTHERS)
  test(`a connector ${what} ${isOne ? "takes" : "does not take"} devices`, () => {
    assert.equal(successorsOf(OWN, [{ connector: "c2", says: said }], NOW).length, isOne ? 1 : 0);
    assert.equal(
      successorsOf(OWN, [{ connector: OWN.connector, says: said }], NOW).length,
      0,
      "itself never",
    );
  });

test("the places of others add up, an overfull one has none, and one that does not say sets no limit", () => {
  const at = (sockets: number) => ({ connector: "x", says: says({ sockets }) });
  assert.equal(placesIn([]), 0);
  assert.equal(placesIn([at(10), at(99), at(100), at(120)]), 91);
  assert.equal(placesIn([at(100), { connector: "y", says: undefined }]), Infinity);
});

test("the wait for a successor leaves enough time to tell all, and is never less than half of it", () => {
  assert.equal(waitMsMax(60_000, 2_000, 200), 40_000);
  assert.equal(waitMsMax(60_000, 50_000, 200), 30_000);
  assert.equal(waitMsMax(60_000, 2_000, undefined), 30_000);
  assert.equal(waitMsMax(1_000, 1, 200), 500);
  assert.equal(waitMsMax(0, 1, 200), 0);
  assert.equal(spareMs(60_000, 2_000, 200), 40_000);
  assert.equal(spareMs(60_000, 12_000, 200), 0);
  assert.equal(spareMs(60_000, 1, undefined), 0);
  assert.deepEqual([0, 500, 1_000, 20_000, 60_000].map(graceOf), [0, 500, 1_000, 5_000, 5_000]);
  assert.deepEqual([0, 1_000, 30_000].map(evenSpreadMs), [0, 0, 20_000]);
});

test("devices of one step leave evenly within it", () => {
  assert.deepEqual(delaysOf(0), []);
  assert.deepEqual(delaysOf(5), [0, 50, 100, 150, 200]);
  assert.ok(delaysOf(1_000).every((ms) => ms >= 0 && ms < STEP_MS));
});

/** Runs steps until everybody was told, and returns when each was. */
function run(devices: number, perSecond: number | undefined, drainMs: number, places = Infinity): number[] {
  const told = new ToldCount(UNSEEN_MS);
  const at: number[] = [];
  for (let now = 0; now < drainMs && at.length < devices; now += STEP_MS) {
    const count = toldNow({
      untold: devices - at.length,
      toldInSecond: told.within(now, 1_000),
      toldUnseen: told.within(now, UNSEEN_MS),
      evenLeftMs: evenSpreadMs(drainMs) - now,
      perSecond,
      places: places - at.length + told.within(now, UNSEEN_MS), // As others announce it, late.
    });
    told.add(now, count);
    for (const delay of delaysOf(count)) at.push(now + delay);
  }
  return at;
}
const most = (at: readonly number[], ms: number): number =>
  Math.max(0, ...at.map((from) => at.filter((one) => one >= from && one < from + ms).length));

test("no second sees more than the rate, in 500 random drains, and everybody goes whom the time allows", () => {
  const dice = new Dice(27);
  for (let i = 0; i < 500; i += 1) {
    const [perSecond, devices] = [1 + dice.int(0, 299), dice.int(0, 1_499)];
    const drainMs = 1_000 * (1 + dice.int(0, 59));
    const at = run(devices, perSecond, drainMs);
    const seen = `${devices} at ${perSecond}/s in ${drainMs} ms`;
    const steps = at.map((ms) => ms - (ms % STEP_MS));
    assert.ok(most(steps, 1_000) <= perSecond, `${seen}: ${most(steps, 1_000)} were told in a second`);
    assert.equal(at.length, Math.min(devices, (perSecond * drainMs) / 1_000), seen);
  }
});

test("without a rate, devices leave evenly, and the last of them before the grace begins", () => {
  const at = run(1_000, undefined, 30_000);
  assert.equal(at.length, 1_000);
  assert.ok((at.at(-1) ?? 0) <= evenSpreadMs(30_000) + STEP_MS);
  assert.ok(most(at, 1_000) <= 1.2 * (1_000 / (evenSpreadMs(30_000) / 1_000)), "no burst");
  assert.deepEqual(new Set(run(10, undefined, 1_000).map((ms) => ms - (ms % STEP_MS))), new Set([0]));
});

test("no more devices are told than others have places", () => {
  assert.equal(run(1_000, 200, 60_000, 37).length, 37);
  assert.equal(run(1_000, undefined, 60_000, 0).length, 0);
  const standing = { untold: 9, toldInSecond: 0, toldUnseen: 4, evenLeftMs: 0, perSecond: 100, places: 6 };
  assert.equal(toldNow(standing), 2, "those on their way have their places");
  assert.equal(toldNow({ ...standing, places: undefined }), 9, "where nobody knows, the rate alone counts");
  assert.equal(toldNow({ ...standing, places: 1 }), 0);
});
