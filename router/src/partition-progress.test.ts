import assert from "node:assert/strict";
import { test } from "node:test";
import { isRefused } from "@jichat/protocol/bus/command.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { BATCH_BYTES_MAX } from "@jichat/protocol/limits.ts";
import { batchSizeOf } from "./batch-room.ts";
import { Effects } from "./effects.ts";
import { PartitionState } from "./partition-state.ts";
import { Partition } from "./partition.ts";
import type { Log } from "./ports.ts";
import { EMPTY_APPEND_EVERY_MS } from "./readers.ts";

let at = 0;
const clock: Clock = { ...systemClock, monotonic: () => at };
const unused = (): never => assert.fail("not needed here");

function partitionOver(append: Log["append"], given: Clock = clock): Partition {
  const { signal } = new AbortController();
  const sessions = { publish: unused, giveUp: unused, isAlive: unused };
  const world = {
    partition: 0,
    clock: given,
    count: unused,
    sessions,
    deliverer: { deliver: unused },
    push: { take: () => [], add: unused },
    backlogBytesMax: unused,
  };
  return new Partition({
    owner: "o",
    state: new PartitionState(),
    effects: new Effects(world, 0, signal),
    log: { append, first: unused, end: unused, at: unused, range: unused },
    facts: { ask: unused, watermark: () => 0 },
    clock: given,
    isFull: () => false,
    batchSize: batchSizeOf(BATCH_BYTES_MAX),
    position: 1,
    number: 1,
  });
}

/** Each append waits for its answer, which a test gives. */
function slowLog(): { log: Log["append"]; answers: (() => void)[] } {
  const answers: (() => void)[] = [];
  const log: Log["append"] = async () =>
    new Promise((resolve) => {
      answers.push(() => {
        resolve({ outcome: "stored", position: answers.length + 1 });
      });
    });
  return { log, answers };
}

const where = { op: "where", conversation: "", user: "", device: "", session: "" } as const;
const request = { commands: [where], bytes: 100, answer: () => undefined, decline: () => undefined };

test("the standstill of a loop counts from the first request that waits, not from when the loop became idle", () => {
  at = 0;
  const partition = partitionOver(unused);
  at = 60_000;
  assert.equal(partition.stuckMs, 0, "nothing waits");
  partition.offer(request);
  assert.equal(partition.stuckMs, 0);
  at += 4_001;
  partition.offer(request);
  assert.equal(partition.stuckMs, 4_001);
});

test("a loop that waits for its log does not count as stuck, and takes the waiting requests after the answer", async () => {
  const hand = new HandClock();
  const { log, answers } = slowLog();
  const partition = partitionOver(log, hand);
  const stop = new AbortController();
  const run = partition.run(stop.signal, stop.signal);
  partition.offer(request);
  await hand.pass(1);
  partition.offer(request);
  await hand.pass(60_000);
  assert.equal(partition.stuckMs, 0);
  assert.ok(partition.appendSince !== undefined);
  answers[0]?.();
  await hand.pass(0);
  await hand.pass(EMPTY_APPEND_EVERY_MS);
  assert.equal(answers.length, 2);
  assert.equal(partition.stuckMs, 0);
  answers[1]?.();
  await hand.pass(1);
  assert.equal(partition.appendSince, undefined);
  stop.abort(new Error("enough"));
  await run;
});

test("a request that is answered with BUSY for a full log gets no second answer", async () => {
  const partition = partitionOver(async () => ({ outcome: "full" }));
  const stop = new AbortController();
  const told: string[] = [];
  partition.offer({
    ...request,
    answer: (answers) => told.push(`answered ${answers.map((one) => isRefused(one) && one.code).join()}`),
    decline: () => told.push("declined"),
  });
  await assert.rejects(partition.run(stop.signal, stop.signal), { name: "OwnershipLost" });
  assert.deepEqual(told, ["answered BUSY"]);
});

test("a capture waits five seconds for a state that is ahead of its log, and then gives up", async () => {
  const hand = new HandClock();
  const partition = partitionOver(async () => new Promise(() => {}), hand);
  const stop = new AbortController();
  void partition.run(stop.signal, stop.signal);
  partition.offer(request);
  await hand.pass(0);
  const captures: unknown[] = [];
  void partition.capture(() => "taken").then((captured) => captures.push(captured));
  await hand.pass(4_999);
  assert.deepEqual(captures, []);
  await hand.pass(1);
  assert.deepEqual(captures, [undefined]);
});

test("a state is captured as soon as its log has reached it", async () => {
  const hand = new HandClock();
  const stored = Promise.withResolvers<Awaited<ReturnType<Log["append"]>>>();
  const partition = partitionOver(async () => stored.promise, hand);
  const stop = new AbortController();
  const run = partition.run(stop.signal, stop.signal);
  partition.offer(request);
  await hand.pass(0);
  const captured = partition.capture(() => partition.position);
  await hand.pass(4_999);
  stored.resolve({ outcome: "stored", position: 2 });
  assert.equal(await captured, 2);
  await hand.pass(5_000);
  assert.equal(await partition.capture(() => partition.position), 2);
  stop.abort(new Error("enough"));
  await run;
});
