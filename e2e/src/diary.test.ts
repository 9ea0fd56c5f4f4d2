import assert from "node:assert/strict";
import { test } from "node:test";
import type { Surroundings } from "@jichat/client/surroundings.ts";
import { REAL } from "@jichat/client/surroundings.ts";
import { Diary, mostWithin, percentile } from "./diary.ts";

const ALL = { from: 0, to: Number.POSITIVE_INFINITY };

/** A world in which each try to connect ends as the test says. */
const ending = (end: () => void): Surroundings => ({
  ...REAL,
  open: async () => {
    end();
    return {} as Awaited<ReturnType<Surroundings["open"]>>;
  },
});

const tryOnce = async (around: Surroundings, signal = new AbortController().signal): Promise<void> => {
  await around.open({ signal } as Parameters<Surroundings["open"]>[0]);
};

test("a failed try is a refusal, unless the client gave it up, and only a later welcome is a reconnect", async () => {
  let now = 500;
  const diary = new Diary(() => now);
  const welcoming = diary.around(
    "ann/phone",
    ending(() => undefined),
  );
  await tryOnce(welcoming);
  now = 1_000;
  await tryOnce(welcoming);
  now = 2_000;
  const refusing = diary.around(
    "bob/phone",
    ending(() => {
      throw new Error("503");
    }),
  );
  await assert.rejects(tryOnce(refusing), /503/);
  await assert.rejects(tryOnce(refusing, AbortSignal.abort()), /503/);
  assert.deepEqual(diary.reconnects(ALL), [1_000]);
  assert.deepEqual([...diary.moves(ALL)], [["ann/phone", [1_000]]]);
  assert.deepEqual(diary.refusals(ALL), [{ at: 2_000, device: "bob/phone", why: "Error: 503" }]);
  assert.deepEqual(diary.refusals({ from: 0, to: 2_000 }), [], "the end of a span is not in it");
});

test("answers count in the spans in which they came", () => {
  let now = 0;
  const diary = new Diary(() => now);
  for (const ms of [10, 20, 30, 400]) {
    now += 100;
    diary.answered(ms);
  }
  assert.equal(diary.answeredMs(50, { from: 0, to: 400 }), 20);
  assert.equal(diary.answeredMs(99, { from: 0, to: 150 }, { from: 350, to: 500 }), 400);
  assert.equal(diary.answeredMs(99, { from: 900, to: 1_000 }), undefined, "unknown is not zero");
  assert.equal(diary.answers({ from: 100, to: 300 }), 2);
  assert.equal(diary.lastSlow(25, ALL), 400);
  assert.equal(diary.lastSlow(25, { from: 0, to: 400 }), 300);
  assert.equal(diary.lastSlow(400, ALL), undefined);
});

test("a percentile is one of the values", () => {
  assert.equal(percentile(99, []), undefined);
  assert.equal(percentile(100, [1, 2, 3]), 3);
  assert.equal(percentile(50, [3, 1, 2]), 2);
});

test("the most within a second is of any second, not of those that a clock cuts", () => {
  assert.equal(mostWithin(1_000, []), 0);
  assert.equal(mostWithin(1_000, [900, 1_100, 1_899]), 3);
  assert.equal(mostWithin(1_000, [0, 1_000, 2_000]), 1, "a whole second later is another second");
});
