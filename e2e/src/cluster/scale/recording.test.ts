import assert from "node:assert/strict";
import { test } from "node:test";
import { Diary } from "../../diary.ts";
import type { Look } from "./recording.ts";
import {
  mostToldPerSecond,
  movingSpans,
  restSpans,
  secondsOf,
  shedsOf,
  toldSinceBefore,
} from "./recording.ts";

const look = (
  at: number,
  pods: Readonly<Record<string, readonly [connections: number, told: number]>>,
): Look => ({
  at,
  pods: Object.fromEntries(
    Object.entries(pods).map(([name, [connections, told]]) => [name, { connections, told }]),
  ),
});

test("what was told counts for pods that are new, and not for those that restarted or went", () => {
  const before = look(0, { a: [10, 5], b: [10, 7], gone: [1, 3] });
  const now = look(1_000, { a: [8, 7], b: [10, 0], fresh: [2, 1] });
  assert.deepEqual(toldSinceBefore([before, now]), [0, 2 + 1]);
});

test("what a pod told while looks missed it is spread over them", () => {
  const looks = [look(0, { a: [9, 50], b: [1, 0] }), look(1_000, { b: [1, 0] }), look(3_000, { a: [3, 56] })];
  assert.deepEqual(toldSinceBefore(looks), [0, 2, 4]);
});

test("the rate is of any looks that lie far enough apart", () => {
  const looks = [0, 10, 40, 50, 50].map((told, index) => look(1_000 * index, { a: [100 - told, told] }));
  assert.equal(mostToldPerSecond(looks, 1_000), 30);
  assert.equal(mostToldPerSecond(looks, 2_000), 20);
  assert.equal(mostToldPerSecond(looks, 60_000), 0, "nothing is known of a minute");
});

test("devices move in the second after a look too", () => {
  const looks = [look(0, { a: [9, 0] }), look(1_000, { a: [8, 1] }), look(2_000, { a: [8, 1] })];
  assert.deepEqual(movingSpans(looks), [{ from: 0, to: 2_000 }]);
});

test("between the drains of a rollout nobody moves; what is between two rollouts is not between drains", () => {
  const told = [0, 0, 3, 3, 3, 3, 3, 7, 7, ...Array.from({ length: 40 }, () => 7), 9];
  const looks = told.map((count, index) => look(1_000 * index, { a: [10, count] }));
  assert.deepEqual(restSpans(looks), [{ from: 3_000, to: 6_000 }]);
  assert.deepEqual(restSpans(looks.slice(0, 4)), []);
});

test("a shed counts once, however many connectors and looks show it, and not if it was before", () => {
  const at = (...sheds: number[]): Look => ({ at: 0, pods: {}, sheds });
  assert.equal(shedsOf([at(10), at(10), at(20, 20), { at: 0, pods: {} }, at(20, 30)]), 2);
  assert.equal(shedsOf([]), 0);
});

test("a second without an ack has no percentiles", () => {
  let now = 500;
  const diary = new Diary(() => now);
  diary.answered(20);
  now = 1_500;
  const [first, second] = secondsOf([look(1_000, { a: [3, 0] }), look(2_000, { a: [3, 4] })], diary);
  assert.deepEqual(first, { second: 0, connections: { a: 3 }, reconnects: 0, acks: 1, p50Ms: 20, p99Ms: 20 });
  assert.deepEqual(second, { second: 1, connections: { a: 3 }, toldPerSecond: 4, reconnects: 0, acks: 0 });
});
