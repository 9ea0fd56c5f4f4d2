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

test("a beat after a pause is immediate, and the requests of one turn start together", async () => {
  const { said, say } = beatOf(() => 8);
  say("a");
  say("b");
  assert.deepEqual(said, [], "not within this turn");
  await turn();
  assert.deepEqual(said, ["a", "b"]);
});

test("requests soon after a beat wait for the next one, and start then together and in order", async () => {
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

test("the distance is read before each beat, and no distance means the end of this turn", async () => {
  let everyMs = 8;
  const { said, say } = beatOf(() => everyMs);
  say("a");
  await turn();
  everyMs = 0;
  say("b");
  await turn();
  assert.deepEqual(said, ["a", "b"]);
});

test("a request during a beat waits for the next one", async () => {
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
