import assert from "node:assert/strict";
import { test } from "node:test";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { Beat } from "./beat.ts";

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

function beatOf(everyMs: () => number): { clock: HandClock; said: string[]; say: (word: string) => void } {
  const clock = new HandClock();
  const beat = new Beat(clock, everyMs);
  const said: string[] = [];
  const say = (word: string): void => {
    beat.next(() => said.push(word));
  };
  return { clock, said, say };
}

test("after a pause the next beat is at once, and what one turn asks for starts together", async () => {
  const { said, say } = beatOf(() => 8);
  say("a");
  say("b");
  assert.deepEqual(said, [], "not within this turn");
  await turn();
  assert.deepEqual(said, ["a", "b"]);
});

test("what comes soon after a beat waits for the next, and all of it starts then, in order", async () => {
  const { clock, said, say } = beatOf(() => 8);
  say("a");
  await turn();
  await clock.pass(3);
  say("b");
  await clock.pass(4);
  say("c");
  assert.deepEqual(said, ["a"]);
  await clock.pass(1);
  assert.deepEqual(said, ["a", "b", "c"]);
});

test("the distance is asked for anew each time; none means the end of this turn", async () => {
  let everyMs = 8;
  const { said, say } = beatOf(() => everyMs);
  say("a");
  await turn();
  everyMs = 0;
  say("b");
  await turn();
  assert.deepEqual(said, ["a", "b"]);
});

test("what is asked for during a beat waits for the next", async () => {
  const clock = new HandClock();
  const beat = new Beat(clock, () => 8);
  const said: string[] = [];
  beat.next(() => {
    said.push("a");
    beat.next(() => said.push("b"));
  });
  await turn();
  await clock.pass(7);
  assert.deepEqual(said, ["a"]);
  await clock.pass(1);
  assert.deepEqual(said, ["a", "b"]);
});
