import assert from "node:assert/strict";
import { test } from "node:test";
import type { PartitionLog } from "@jichat/log/partition-log.ts";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { hearingOf } from "@jichat/runtime/hearing.ts";
import { pino } from "pino";
import type { Held } from "./ownership.ts";
import type { Store } from "./store.ts";
import { Tail } from "./tail.ts";
import { Trimmer } from "./trimmer.ts";

const log = pino({ level: "silent" });

test("each partition is visited until the trimmer stops, even after one whose log cannot be read", async () => {
  const clock = new HandClock();
  const asked: number[] = [];
  /** Has nothing to trim: it ends where it begins. */
  const held = (partition: number, isReadable: boolean): [number, Held] => [
    partition,
    {
      tail: new Tail(partition, 0, 1_000),
      log: {
        state: async () => {
          asked.push(partition);
          if (!isReadable) throw new Error("away");
          return { first: 1, end: 1, bytes: 10, bytesMax: 100 };
        },
      } as unknown as PartitionLog,
      hearing: hearingOf(log, "a log", { partition }),
      done: 0,
    },
  ];
  const trimmer = new Trimmer({
    clock,
    limits: { trimEveryMs: 1_000, trimGraceMs: 0 },
    ownership: { all: new Map([held(0, false), held(1, true)]) },
    store: {} as Store, // There is nothing to compare.
    log,
  });
  trimmer.start();
  await clock.pass(999);
  assert.deepEqual(asked, []);
  await clock.pass(1);
  assert.deepEqual(asked, [0, 1]);
  await clock.pass(1_000);
  assert.deepEqual(asked, [0, 1, 0, 1]);
  trimmer.stop();
  await clock.pass(2_000);
  assert.deepEqual(asked, [0, 1, 0, 1]);
});
