import assert from "node:assert/strict";
import { test } from "node:test";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import type { Batch, EventRecord } from "@jichat/protocol/log/record.ts";
import { pino } from "pino";
import { Flusher } from "./flusher.ts";
import type { Run } from "./run.ts";
import { Tail } from "./tail.ts";
import { STUCK_MS } from "./unwritten.ts";

const record: EventRecord = {
  r: "event",
  conversation: "c",
  seq: 1,
  no: 1,
  ts: 1,
  kind: "message",
  from: "ann",
  device: "phone",
  session: "s",
};
const batchOf = (records: number, done: number): Batch => ({
  v: 1,
  owner: "o",
  number: 0,
  done,
  ts: 0,
  records: Array.from({ length: records }, (_, i) => ({ ...record, seq: i + 1 })),
});

/** A flusher of two partitions: every second, or at ten records. */
function flushing() {
  const clock = new HandClock();
  const tails = [new Tail(1, 0, 1_000), new Tail(0, 0, 1_000)] as const;
  const written: (readonly [partition: number, first: number, last: number])[][] = [];
  const done = new Map<number, number>();
  const trouble: { error: Error | undefined } = { error: undefined };
  const counts = { records: 0, failures: 0, told: 0 };
  const flusher = new Flusher({
    clock,
    limits: { flushMs: 1_000, flushRows: 10 },
    ownership: {
      tails: [...tails],
      effectsDone: (partition, position) => void done.set(partition, position),
    },
    telemetry: { log: pino({ level: "silent" }), linked: () => undefined },
    metrics: {
      countInsert: (records) => (counts.records += records),
      countFailure: () => (counts.failures += 1),
    },
    write: async (runs: readonly Run[]) => {
      if (trouble.error !== undefined) throw trouble.error;
      written.push(runs.map(({ partition, first, last }) => [partition, first, last]));
    },
    onWritten: async () => void (counts.told += 1),
  });
  flusher.start();
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 50) await clock.pass(50);
  };
  return { clock, tails, written, done, trouble, counts, flusher, pass };
}

test("gathered records of all partitions are written together once they are old enough, and an empty tail is not", async () => {
  const { tails, written, done, counts, pass } = flushing();
  await pass(1_000);
  assert.deepEqual([written, counts.told], [[], 0]);
  tails[0].add({ position: 1, batch: batchOf(2, 0) });
  tails[1].add({ position: 1, batch: batchOf(1, 7) });
  await pass(950);
  assert.deepEqual(written, []);
  await pass(50);
  assert.deepEqual(written, [
    [
      [1, 1, 1],
      [0, 1, 1],
    ],
  ]);
  assert.deepEqual(
    tails.map(({ watermark }) => watermark),
    [1, 1],
  );
  assert.deepEqual(
    [...done],
    [
      [1, 0],
      [0, 7],
    ],
  );
  assert.deepEqual(counts, { records: 3, failures: 0, told: 1 });
});

test("ten records are written at the next step, and nine are not", async () => {
  const { tails, written, pass } = flushing();
  tails[0].add({ position: 1, batch: batchOf(9, 0) });
  await pass(50);
  assert.deepEqual(written, []);
  tails[0].add({ position: 2, batch: batchOf(1, 0) });
  await pass(50);
  assert.deepEqual(written, [[[1, 1, 2]]]);
});

test("a run that ClickHouse refuses is written later with the same range, and reported when that lasts", async () => {
  const { tails, written, trouble, counts, flusher, pass } = flushing();
  trouble.error = new Error("read only");
  tails[0].add({ position: 1, batch: batchOf(1, 0) });
  await pass(1_000);
  tails[0].add({ position: 2, batch: batchOf(1, 0) });
  await pass(STUCK_MS);
  assert.ok(counts.failures > 1 && flusher.unwrittenMs > 0);
  await pass(1_500);
  assert.deepEqual(flusher.faults(), [
    { fault: "HistoryStuck", partitions: [0, 1], why: "ClickHouse refuses inserts: read only" },
  ]);
  assert.equal(tails[0].watermark, 0);
  trouble.error = undefined;
  await pass(1_500);
  assert.deepEqual(written, [[[1, 1, 1]]]);
  await pass(1_000);
  assert.deepEqual(written.at(-1), [[1, 2, 2]]);
  assert.deepEqual([flusher.faults(), flusher.unwrittenMs], [[], 0]);
});

test("a stopped flusher writes the gathered records before it ends", async () => {
  const { tails, written, flusher, pass } = flushing();
  await pass(100);
  tails[1].add({ position: 1, batch: batchOf(1, 0) });
  const stopped = flusher.stop();
  await pass(50);
  await stopped;
  assert.deepEqual(written, [[[0, 1, 1]]]);
});
