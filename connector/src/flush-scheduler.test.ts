import assert from "node:assert/strict";
import { test } from "node:test";
import { FlushScheduler } from "./flush-scheduler.ts";

test("each socket is flushed once at the end of the turn in which it was written to", () => {
  const scheduled: (() => void)[] = [];
  const turn = new FlushScheduler((act) => scheduled.push(act));
  const flushed: string[] = [];
  const socket = (name: string): { flush(): void } => ({ flush: () => flushed.push(name) });
  turn.flushLater(socket("a"));
  turn.flushLater(socket("b"));
  assert.deepEqual([flushed, scheduled.length], [[], 1]);
  scheduled.shift()?.();
  assert.deepEqual([flushed, scheduled.length], [["a", "b"], 0]);
  // A flush may write again, to a socket that a flush has closed, for instance: that is the next turn's.
  turn.flushLater({
    flush: () => {
      turn.flushLater(socket("c"));
    },
  });
  scheduled.shift()?.();
  assert.deepEqual([flushed, scheduled.length], [["a", "b"], 1]);
  scheduled.shift()?.();
  assert.deepEqual(flushed, ["a", "b", "c"]);
});

test("each clock is read once a turn", () => {
  const scheduled: (() => void)[] = [];
  const read = { now: 0, monotonic: 100 };
  const turn = new FlushScheduler((act) => scheduled.push(act), {
    now: () => (read.now += 1),
    monotonic: () => (read.monotonic += 1),
  });
  assert.deepEqual([turn.now(), turn.now(), turn.monotonic(), turn.monotonic()], [1, 1, 101, 101]);
  turn.flushLater({ flush: () => assert.deepEqual([turn.now(), turn.monotonic()], [2, 102]) });
  assert.equal(scheduled.length, 1);
  scheduled.shift()?.();
  assert.deepEqual([turn.now(), turn.monotonic(), read], [2, 102, { now: 2, monotonic: 102 }]);
});
