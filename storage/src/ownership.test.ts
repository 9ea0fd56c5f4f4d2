import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import type { Batch } from "@jichat/protocol/log/record.ts";
import type { Hearing } from "@jichat/runtime/hearing.ts";
import type { PartitionLog, Positioned } from "@jichat/log/partition-log.ts";
import { pino } from "pino";
import { Ownership, UNHEARD_MAX_MS } from "./ownership.ts";
import { LogRegressed } from "./log-regressed.ts";
import { Tail } from "./tail.ts";

const batch: Batch = { v: 1, owner: "o", number: 0, done: 0, ts: 0, records: [] };

/** Gives one batch, and then nothing until it is called off. */
class FakeLog {
  ends: number[] = [];
  hearing: Hearing | undefined;
  followers = 0;
  /** Ends a reading as a broken connection would. */
  breakOff = (): void => {};

  async end(): Promise<number> {
    return this.ends.shift() ?? 1;
  }

  async *follow(from: number, signal: AbortSignal, hearing: Hearing): AsyncGenerator<Positioned> {
    this.hearing = hearing;
    this.followers += 1;
    try {
      hearing.heard(1);
      if (from === 1) yield { position: 1, batch };
      await new Promise<void>((resolve, reject) => {
        signal.addEventListener("abort", () => {
          resolve();
        });
        this.breakOff = () => {
          reject(new Error("broken off"));
        };
      });
    } finally {
      this.followers -= 1;
    }
  }
}

function held() {
  const clock = new HandClock();
  const log = new FakeLog();
  const opens: PromiseWithResolvers<void>[] = [];
  const writes: PromiseWithResolvers<void>[] = [];
  const served = new Set<Tail>();
  const ownership = new Ownership({
    clock,
    log: pino({ level: "silent" }),
    open: async (partition) => {
      const open = Promise.withResolvers<void>();
      opens.push(open);
      await open.promise;
      return { tail: new Tail(partition, 0, 1_000), log: log as unknown as PartitionLog };
    },
    serve: (_, tail) => {
      served.add(tail);
      return () => served.delete(tail);
    },
    tailBytesMax: 1_000_000,
    write: async () => {
      const write = Promise.withResolvers<void>();
      writes.push(write);
      await write.promise;
    },
    onHeld: () => {},
  });
  return { clock, log, opens, writes, served, ownership };
}

async function settle(): Promise<void> {
  for (let turns = 0; turns < 5; turns += 1) await turn();
}

test("a partition whose lease is lost while it is opened is not read", async () => {
  for (const end of ["lose", "give"] as const) {
    const { ownership, opens, served, log } = held();
    ownership.acquire(0);
    await ownership[end](0);
    opens[0]?.resolve();
    await settle();
    assert.equal(served.size, 0, end);
    assert.equal(log.followers, 0, end);
    assert.equal(ownership.all.size, 0, end);
  }
});

test("a lease that returns while the partition is opened makes one reader, not two", async () => {
  const { ownership, opens, served, log } = held();
  ownership.acquire(0);
  ownership.lose(0);
  ownership.acquire(0);
  opens[0]?.resolve();
  opens[1]?.resolve();
  await settle();
  assert.equal(served.size, 1);
  assert.equal(log.followers, 1);
  ownership.lose(0);
  await settle();
  assert.equal(served.size, 0);
  assert.equal(log.followers, 0);
});

test("a partition whose reader failed is not opened again once its lease is lost", async () => {
  for (const isLost of [false, true]) {
    const { ownership, opens, writes, served, log, clock } = held();
    // It ends where it was consumed, and then before: the reading that broke off finds it regressed.
    log.ends = [1, 0];
    ownership.acquire(0);
    opens[0]?.resolve();
    await settle();
    assert.equal(served.size, 1);
    log.breakOff();
    await settle();
    await clock.pass(500);
    await settle();
    assert.equal(writes.length, 1, "the last run is being written");
    assert.equal(served.size, 0);
    if (isLost) ownership.lose(0);
    writes[0]?.resolve();
    await settle();
    await clock.pass(3_000);
    await settle();
    assert.equal(opens.length, isLost ? 1 : 2);
    ownership.stop();
  }
});

test("the lag is known while the logs of all leases are received", async () => {
  const { ownership, opens, log } = held();
  assert.equal(ownership.lag, 0);
  ownership.acquire(0);
  assert.equal(ownership.lag, Number.NaN);
  assert.match(ownership.notReady() ?? "", /partitions 0$/);

  opens[0]?.resolve();
  await settle();
  log.hearing?.heard(40);
  assert.equal(ownership.lag, 40, "what stands in the log and is not read yet counts");
  assert.equal(ownership.notReady(), undefined);

  log.hearing?.lost(new Error("silence"));
  assert.equal(ownership.lag, Number.NaN);
  assert.deepEqual(ownership.unheard, [0]);
  assert.match(ownership.notReady() ?? "", /partitions 0$/);

  log.hearing?.heard(41);
  assert.equal(ownership.lag, 41);
  ownership.lose(0);
  assert.equal(ownership.lag, 0);
});

test("a regressed log is opened again and counted while its lease is held", async () => {
  const { ownership, opens, clock } = held();
  ownership.acquire(0);
  opens[0]?.reject(new LogRegressed("another log"));
  await settle();
  assert.equal(ownership.regressed, 1);
  assert.equal(ownership.notReady(), undefined, "somebody has to decide; no other storage could do better");
  await clock.pass(3_000);
  await settle();
  assert.equal(opens.length, 2);
  ownership.lose(0);
  assert.equal(ownership.regressed, 0);
  opens[1]?.reject(new LogRegressed("another log"));
  await settle();
  await clock.pass(3_000);
  assert.equal(opens.length, 2);
});

test("a log is reported as unheard once a new reader would have received it, and a regressed log is LogRegressed alone", async () => {
  const { ownership, opens, writes, log, clock } = held();
  ownership.acquire(3);
  clock.at += UNHEARD_MAX_MS;
  assert.deepEqual(ownership.faults(), []);
  clock.at += 1;
  const [deaf] = ownership.faults();
  assert.deepEqual([deaf?.fault, deaf?.partitions], ["LogUnheard", [3]]);

  log.ends = [1, 0];
  opens[0]?.resolve();
  await settle();
  assert.deepEqual(ownership.faults(), []);
  log.breakOff();
  await settle();
  await clock.pass(500);
  await settle();
  writes[0]?.resolve();
  await settle();
  assert.deepEqual(
    ownership.faults().map(({ fault, partitions }) => [fault, partitions]),
    [["LogRegressed", [3]]],
  );
  assert.match(ownership.faults()[0]?.why ?? "", /ends at 0, but position 1 was consumed/);
  ownership.lose(3);
  assert.deepEqual(ownership.faults(), []);
});
