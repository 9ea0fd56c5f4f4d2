import assert from "node:assert/strict";
import { test } from "node:test";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { Watchdog } from "./watchdog.ts";

const LIMIT_MS = 2_000;

function watched(): { clock: HandClock; dog: Watchdog; stop: AbortController; bites: () => number } {
  const clock = new HandClock();
  const dog = new Watchdog(clock, LIMIT_MS);
  const stop = new AbortController();
  let bites = 0;
  void dog.watch(stop.signal, () => {
    bites += 1;
  });
  return { clock, dog, stop, bites: () => bites };
}

async function pass(clock: HandClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 250) await clock.pass(250);
}

test("a watchdog fires once when the silence is longer than the limit, and not at the limit", async () => {
  const { clock, bites } = watched();
  await pass(clock, LIMIT_MS);
  assert.equal(bites(), 0);
  await pass(clock, 250);
  assert.equal(bites(), 1);
  await pass(clock, 10 * LIMIT_MS);
  assert.equal(bites(), 1);
});

test("each sign of life restarts the silence", async () => {
  const { clock, dog, bites } = watched();
  for (let signs = 0; signs < 5; signs += 1) {
    await pass(clock, LIMIT_MS);
    dog.sign();
  }
  assert.equal(bites(), 0);
  await pass(clock, LIMIT_MS + 250);
  assert.equal(bites(), 1);
});

test("there is no silence while nothing is awaited", async () => {
  const { clock, dog, bites } = watched();
  dog.rest();
  await pass(clock, 10 * LIMIT_MS);
  assert.equal(bites(), 0);
  dog.wake();
  await pass(clock, LIMIT_MS);
  assert.equal(bites(), 0);
  await pass(clock, 250);
  assert.equal(bites(), 1);
});

test("a process that stood still does not count that time as silence", async () => {
  const { clock, bites } = watched();
  await clock.pass(60_000);
  assert.equal(bites(), 0);
  await pass(clock, LIMIT_MS);
  assert.equal(bites(), 1);
});

test("a stopped watchdog does not fire", async () => {
  const { clock, stop, bites } = watched();
  await pass(clock, LIMIT_MS);
  stop.abort();
  await pass(clock, LIMIT_MS);
  assert.equal(bites(), 0);
});
