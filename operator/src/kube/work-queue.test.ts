import assert from "node:assert/strict";
import { test } from "node:test";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { WorkQueue } from "./work-queue.ts";

const make = (): { queue: WorkQueue; clock: HandClock } => {
  const clock = new HandClock();
  return { clock, queue: new WorkQueue({ clock, backoffMs: 100, backoffMaxMs: 1_000, random: () => 1 }) };
};

test("a key is queued once, and keys come in the order of their first addition", async () => {
  const { queue } = make();
  for (const key of ["a", "b", "a", "a"]) queue.add(key);
  assert.equal(queue.depth, 2);
  assert.deepEqual([await queue.next(), await queue.next()], ["a", "b"]);
});

test("a key has one worker at a time, and comes again if it was added meanwhile", async () => {
  const { queue } = make();
  queue.add("a");
  await queue.next();
  queue.add("a");
  queue.add("b");
  assert.equal(await queue.next(), "b", "a is being worked on");
  queue.done("a");
  assert.equal(await queue.next(), "a");
  queue.done("a");
  assert.equal(queue.depth, 0, "and only once");
});

test("the shorter of two delays counts, and an addition removes the delay", async () => {
  const { queue, clock } = make();
  queue.addAfter("a", 500);
  queue.addAfter("a", 200);
  queue.addAfter("a", 900);
  await clock.pass(199);
  assert.equal(queue.depth, 0);
  await clock.pass(1);
  assert.equal(await queue.next(), "a");
  queue.done("a");
  await clock.pass(1_000);
  assert.equal(queue.depth, 0, "the longer delays are gone");
  queue.addAfter("a", 300);
  queue.add("a");
  assert.equal(await queue.next(), "a");
  queue.done("a");
  await clock.pass(1_000);
  assert.equal(queue.depth, 0);
});

test("failures in a row back off up to the limit, and success starts over", async () => {
  const { queue, clock } = make();
  for (const waits of [100, 200, 400, 800, 1_000, 1_000]) {
    queue.addFailed("a");
    await clock.pass(waits - 1);
    assert.equal(queue.depth, 0, `not before ${waits} ms`);
    await clock.pass(1);
    assert.equal(await queue.next(), "a");
    queue.done("a");
  }
  queue.forget("a");
  queue.addFailed("a");
  await clock.pass(100);
  assert.equal(queue.depth, 1);
});

test("closing ends every waiting worker and every delay, and accepts no more keys", async () => {
  const { queue, clock } = make();
  const waiting = [queue.next(), queue.next()];
  queue.addAfter("a", 100);
  queue.close();
  assert.deepEqual(await Promise.all(waiting), [undefined, undefined]);
  queue.add("b");
  await clock.pass(1_000);
  assert.equal(queue.depth, 0);
  assert.equal(await queue.next(), undefined);
});
