import assert from "node:assert/strict";
import { test } from "node:test";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { HeardClock } from "./heard-clock.ts";

test("the clock moves while something is received, and stops in a silence that is over its limit", async () => {
  const clock = new HandClock();
  const heard = new HeardClock(clock, 1_800);
  await clock.pass(60_000);
  assert.equal(heard.now(), 0, "nothing was heard yet");

  heard.heard();
  for (let i = 0; i < 10; i += 1) {
    await clock.pass(1_200);
    heard.heard();
  }
  assert.equal(heard.now(), 12_000);

  await clock.pass(1_800);
  assert.equal(heard.now(), 13_800);
  await clock.pass(60_000);
  assert.equal(heard.now(), 13_800);

  heard.heard();
  await clock.pass(1_000);
  assert.equal(heard.now(), 14_800);
});
