import assert from "node:assert/strict";
import { test } from "node:test";
import { drawnOf, nextDrawn } from "./gradual-rows.ts";
import type { Row } from "./rows.ts";

const event = (key: string): Row => ({ key }) as Row;
const pending = (key: string): Row => ({ key, pending: {} }) as Row;
const ROWS = ["1", "2", "3", "4"].map(event);

/** How many rows are drawn after each turn until all of `count` are. */
function turnsOf(count: number, drawn: number): readonly number[] {
  const next = nextDrawn(count, drawn);
  return next === count ? [next] : [next, ...turnsOf(count, next)];
}

test("rows that have gathered are drawn two at a time, or a quarter of those that wait", () => {
  assert.deepEqual(turnsOf(11, 10), [11]);
  assert.deepEqual(turnsOf(17, 10), [12, 14, 16, 17]);
  assert.deepEqual(turnsOf(42, 10), [18, 24, 29, 33, 36, 38, 40, 42]);
});

test("so many rows that not all of them will be on the screen are drawn at once", () => {
  assert.deepEqual(turnsOf(43, 10), [43]);
});

test("what is drawn stays, whatever comes before and behind it", () => {
  assert.equal(drawnOf(ROWS, "3"), 3);
  assert.equal(drawnOf(["-1", "0"].map(event).concat(ROWS), "3"), 5);
});

test("all rows are drawn if the last one drawn is gone, and if one's own message is the last", () => {
  assert.equal(drawnOf(ROWS, "an unsent message"), 4);
  assert.equal(drawnOf(ROWS, undefined), 4);
  assert.equal(drawnOf([...ROWS, pending("mine")], "2"), 5);
  assert.equal(drawnOf([], "9"), 0);
});
