import assert from "node:assert/strict";
import { test } from "node:test";
import type { Surroundings } from "@jichat/client/surroundings.ts";
import { REAL } from "@jichat/client/surroundings.ts";
import { Diary } from "../../diary.ts";
import { outcomeOf, wordsOf } from "./outcome.ts";

const welcoming: Surroundings = {
  ...REAL,
  open: async () => ({}) as Awaited<ReturnType<Surroundings["open"]>>,
};

test("an act is told apart from what was before it, and the moving from the rest of it", async () => {
  let now = 0;
  const diary = new Diary(() => now);
  const opening = { signal: new AbortController().signal } as Parameters<Surroundings["open"]>[0];
  const ann = diary.around("ann/phone", welcoming);
  await ann.open(opening);
  const answer = (at: number, ms: number): void => {
    now = at;
    diary.answered(ms);
  };
  answer(500, 10);
  answer(1_500, 800); // Pods start: slow, and nobody moves.
  now = 2_500;
  await ann.open(opening);
  answer(2_600, 15);
  diary.interrupted("ann/phone", "gone");
  const looks = [
    { at: 1_000, pods: { a: { connections: 1, told: 0 } } },
    { at: 2_000, pods: { a: { connections: 1, told: 0 } } },
    { at: 3_000, pods: { a: { connections: 0, told: 1 } } },
  ];
  const outcome = outcomeOf({
    diary,
    looks,
    before: { from: 0, to: 1_000 },
    during: { from: 1_000, to: 4_000 },
  });
  assert.equal(outcome.beforeMs, 10);
  assert.equal(outcome.duringMs, 800);
  assert.equal(outcome.movingMs, 15);
  assert.equal(outcome.slowestMs, 800);
  assert.deepEqual([...outcome.movesBy], [[1, 1]]);
  assert.equal(outcome.reconnectsPerSecond, 1 / 5);
  assert.equal(outcome.interruptions.length, 1);
  const words = wordsOf(outcome).join("\n");
  assert.match(
    words,
    /p99 10 ms before, 800 during, 15 while devices moved \(1\.5 ×\), - between the drains; slowest 800/,
  );
  assert.match(words, /offline: ann\/phone: gone/);
});
