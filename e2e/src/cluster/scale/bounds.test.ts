import assert from "node:assert/strict";
import { test } from "node:test";
import { assertUnnoticed } from "./bounds.ts";
import type { Outcome } from "./outcome.ts";

const BOUNDS = { drains: 2, perSecond: 10 };
const UNNOTICED: Outcome = {
  seconds: 60,
  beforeMs: 100,
  duringMs: 900,
  movingMs: 199,
  restMs: undefined,
  slowestMs: 1_500,
  movesBy: new Map([
    [1, 40],
    [2, 20],
  ]),
  sheds: 0,
  toldPerSecond: 12.5,
  reconnectsPerSecond: 11,
  refusals: [],
  interruptions: [],
};
const TROUBLE = { at: 0, device: "ann/phone", why: "no connection" };

test("an act that nobody notices keeps each bound, and each bound is one that can be broken", () => {
  assertUnnoticed(UNNOTICED, BOUNDS);
  const broken: readonly (readonly [Partial<Outcome>, RegExp])[] = [
    [{ refusals: [TROUBLE] }, /1 tries were refused/],
    [{ interruptions: [TROUBLE] }, /1 times offline/],
    [{ movesBy: new Map([[3, 1]]) }, /reconnected 3 times in 2 drains and 0 sheds/],
    [{ toldPerSecond: 12.6 }, /12.6 were told to go/],
    [{ reconnectsPerSecond: 11.2 }, /11.2 came in a second/],
    [{ movingMs: undefined }, /devices moved, and sent meanwhile/],
    [{ movingMs: 200 }, /p99 was 200 ms while devices moved, 100 before/],
    [{ movingMs: 200, restMs: 199 }, /p99 was 200 ms while devices moved, 100 before, and 199 between/],
    [{ movingMs: 400, restMs: 200 }, /p99 was 400 ms while devices moved, 100 before, and 200 between/],
    [{ beforeMs: Number.NaN }, /p99 was 199 ms/],
  ];
  for (const [change, says] of broken)
    assert.throws(() => {
      assertUnnoticed({ ...UNNOTICED, ...change }, BOUNDS);
    }, says);
  assertUnnoticed({ ...UNNOTICED, movesBy: new Map([[3, 1]]), sheds: 1 }, BOUNDS);
  // Sends are as slow while nobody moves: it is not the moves.
  assertUnnoticed({ ...UNNOTICED, movingMs: 399, restMs: 200 }, BOUNDS);
  // Where pods start meanwhile, sends may take long, and nothing else may be worse.
  const starting = { ...BOUNDS, startsPods: true };
  assertUnnoticed({ ...UNNOTICED, movingMs: 9_000 }, starting);
  assert.throws(() => {
    assertUnnoticed({ ...UNNOTICED, refusals: [TROUBLE] }, starting);
  }, /1 tries were refused/);
});
