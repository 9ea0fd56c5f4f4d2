import assert from "node:assert/strict";
import { test } from "node:test";
import { decodePushEntries } from "@jichat/protocol/bus/push.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { PushEntry } from "./push-entries.ts";
import { PushLane } from "./push-lane.ts";
import type { PushText } from "./push-texts.ts";
import { PUSH_MESSAGE_BYTES_MAX, textsOf } from "./push-texts.ts";

const texts = (seq: number, name = "bob"): readonly PushText[] => {
  const entry: PushEntry = { is: "read", conversation: "g", user: name, seq, no: seq };
  return textsOf(entry, 10_000_000);
};
const turn = async (): Promise<void> => systemClock.sleep(2);

/** A lane over a queue that answers when it is told to. */
function scene() {
  const writes: { seqs: number[]; answer: (error?: Error) => void }[] = [];
  const done: number[] = [];
  let retried = 0;
  const stop = new AbortController();
  const push = {
    take: () => [],
    add: (_: number, message: Uint8Array) =>
      new Promise<void>((resolve, reject) => {
        writes.push({
          seqs: decodePushEntries(message).map((entry) => (entry.is === "report" ? 0 : entry.seq)),
          answer: (error) => {
            if (error === undefined) resolve();
            else reject(error);
          },
        });
      }),
  };
  const slept: number[] = [];
  const clock = {
    ...systemClock,
    sleep: async (ms: number) => {
      slept.push(ms);
      await systemClock.sleep(1);
    },
  };
  const count = (_: string, by: number): void => void (retried += by);
  const lane = new PushLane({ partition: 0, push, clock, count }, stop.signal, (at) => done.push(at));
  return { lane, writes, done, stop, slept, retried: () => retried };
}

test("effects without entries are done at once, unless entries of earlier ones wait", async () => {
  const { lane, writes, done } = scene();
  await lane.add(1, []);
  assert.deepEqual([done, lane.isIdle], [[1], true]);
  await lane.add(2, texts(2));
  await turn();
  await lane.add(3, []);
  await turn();
  assert.deepEqual([done, lane.isIdle, writes.length], [[1], false, 1]);
  writes[0]?.answer();
  await turn();
  assert.deepEqual([done, lane.isIdle, lane.bytes], [[1, 2, 3], true, 0]);
});

test("what gathers for a moment, or during a write, goes together; a failed write is repeated", async () => {
  const { lane, writes, done, retried } = scene();
  for (const position of [1, 2]) await lane.add(position, texts(position));
  await turn();
  for (const position of [3, 4, 5]) await lane.add(position, texts(position));
  writes[0]?.answer(new Error("timeout"));
  while (writes.length < 2) await turn();
  assert.deepEqual([done, retried()], [[], 1]);
  writes[1]?.answer();
  while (writes.length < 3) await turn();
  writes[2]?.answer();
  await turn();
  assert.deepEqual(
    writes.map(({ seqs }) => seqs),
    [
      [1, 2],
      [1, 2],
      [3, 4, 5],
    ],
  );
  assert.deepEqual(done, [2, 5]);
});

test("entries that fill a message do not wait for more", async () => {
  const { lane, writes, slept } = scene();
  await lane.add(1, texts(1, "x".repeat(PUSH_MESSAGE_BYTES_MAX)));
  await turn();
  assert.deepEqual([writes.length, slept], [1, []]);
  writes[0]?.answer();
  await turn();
  await lane.add(2, texts(2));
  await turn();
  assert.equal(slept.length, 1);
});

test("effects wait for room, and nothing is done any more once the reign is over", async () => {
  const { lane, writes, done, stop } = scene();
  const large = "x".repeat(1_048_576);
  let hasRoom = false;
  const added = lane.add(1, texts(1, large)).then(() => {
    hasRoom = true;
  });
  await turn();
  assert.equal(hasRoom, false);
  writes[0]?.answer();
  await added;
  assert.deepEqual([done, lane.bytes], [[1], 0]);
  await lane.add(2, texts(2));
  await turn();
  stop.abort(new Error("the reign is over"));
  writes[1]?.answer();
  await turn();
  assert.deepEqual([done, lane.isIdle], [[1], true]);
});
