import { decodeBatch } from "@jichat/protocol/log/encode-batch.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "@jichat/conversation/command.ts";
import { WHERE } from "@jichat/conversation/command.ts";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { BATCH_BYTES_MAX } from "@jichat/protocol/limits.ts";
import type { Batch } from "@jichat/protocol/log/record.ts";
import { batchSizeOf } from "./batch-room.ts";
import { Effects } from "./effects.ts";
import { PartitionState } from "./partition-state.ts";
import { Partition } from "./partition.ts";
import { EMPTY_APPEND_EVERY_MS } from "./readers.ts";

const APPEND_MS = 3;
const unused = (): never => assert.fail("not needed here");
const source = { conversation: "g_1", user: "ann", device: "d", session: "s" };
const create: Command = { ...source, op: "create", id: "c", name: "G", members: ["bob"] };
const rename = (id: string): Command => ({ ...source, op: "rename", id, name: id });
const look: Command = { ...source, op: "look" };

/** A partition whose log takes 3 ms for an append, and whose conversations are all new. */
function reigning() {
  const clock = new HandClock();
  const batches: Batch[] = [];
  const { signal } = new AbortController();
  const effects = new Effects(
    {
      partition: 0,
      clock,
      backlogBytesMax: () => 1_048_576,
      count: unused,
      sessions: { publish: unused, giveUp: unused, isAlive: unused },
      deliverer: { deliver: unused },
      push: { take: () => [], add: unused },
    },
    0,
    signal,
  );
  const partition = new Partition({
    owner: "o",
    state: new PartitionState(),
    effects,
    log: {
      append: async (bytes) => {
        await clock.sleep(APPEND_MS);
        batches.push(decodeBatch(bytes));
        return { outcome: "stored", position: batches.length };
      },
      first: unused,
      end: unused,
      at: unused,
      range: unused,
    },
    facts: {
      ask: async () => ({ conversations: [], ids: [], events: [] }),
      watermark: () => 0,
    },
    clock,
    isFull: () => false,
    batchSize: batchSizeOf(BATCH_BYTES_MAX),
    position: 0,
    number: 1,
  });
  const stop = new AbortController();
  const run = partition.run(stop.signal, stop.signal);
  /** How long until it was answered for good, as a lane asks. */
  const ask = async (command: Command): Promise<number> => {
    const asked = clock.at;
    for (;;) {
      const answer = await new Promise<unknown>((resolve) => {
        const isTaken = partition.offer({
          commands: [command],
          bytes: 100,
          answer: ([told]) => {
            resolve(told);
          },
          decline: () => {
            resolve("later");
          },
        });
        assert.equal(isTaken, true);
      });
      if (answer !== "later") return clock.at - asked;
      await clock.sleep(1);
    }
  };
  const pass = async (ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 1) await clock.pass(1);
  };
  const end = async (): Promise<void> => {
    stop.abort(new Error("enough"));
    await run;
  };
  const empty = (): number => batches.filter(({ records }) => records.length === 0).length;
  return { clock, ask, pass, end, empty, batches };
}

test("readers that ask again at once cause at most ten empty appends a second", async () => {
  for (const command of [look, WHERE]) {
    const { clock, ask, pass, end, empty } = reigning();
    const made = ask(create);
    await pass(50);
    await made;
    let asked = 0;
    let longestMs = 0;
    const seconds = 2;
    const endAt = clock.at + 1_000 * seconds;
    const askAlways = async (): Promise<void> => {
      while (clock.at < endAt) {
        longestMs = Math.max(longestMs, await ask(command));
        asked += 1;
      }
    };
    const asking = Promise.all(Array.from({ length: 20 }, askAlways));
    await pass(1_000 * seconds);
    await pass(2 * EMPTY_APPEND_EVERY_MS);
    await asking;
    assert.ok(empty() <= 10 * seconds + 3, `${empty()} empty appends in ${clock.at} ms`);
    assert.ok(empty() >= 15, "and yet all are answered");
    assert.ok(asked >= 20 * 15);
    assert.ok(longestMs <= EMPTY_APPEND_EVERY_MS + 2 * APPEND_MS, `somebody waited ${longestMs} ms`);
    await end();
  }
});

test("a reader that asks now and then waits for its own append alone", async () => {
  const { ask, pass, end, empty } = reigning();
  const made = ask(create);
  await pass(50);
  await made;
  for (let tries = 1; tries <= 5; tries += 1) {
    const asked = ask(look);
    await pass(EMPTY_APPEND_EVERY_MS + 10);
    assert.ok((await asked) <= APPEND_MS + 1);
    assert.equal(empty(), tries);
  }
  await end();
});

test("a message does not wait for readers, and its append answers the readers that wait", async () => {
  const { clock, ask, pass, end, empty } = reigning();
  const made = ask(create);
  await pass(50);
  await made;
  const endAt = clock.at + 1_000;
  const waits = { reader: 0, message: 0 };
  const readAlways = async (): Promise<void> => {
    while (clock.at < endAt) waits.reader = Math.max(waits.reader, await ask(look));
  };
  const writeAlways = async (): Promise<void> => {
    for (let id = 0; clock.at < endAt; id += 1)
      waits.message = Math.max(waits.message, await ask(rename(`r${id}`)));
  };
  const all = Promise.all([readAlways(), readAlways(), writeAlways()]);
  await pass(1_000);
  await pass(2 * EMPTY_APPEND_EVERY_MS);
  await all;
  assert.ok(waits.message <= 2 * APPEND_MS + 2, `a message waited ${waits.message} ms`);
  assert.ok(waits.reader <= 3 * APPEND_MS + 2, `a reader waited ${waits.reader} ms`);
  assert.ok(empty() <= 12, `${empty()} empty appends beside messages`);
  await end();
});
