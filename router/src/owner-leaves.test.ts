import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "@jichat/protocol/clock.ts";
import { decodeBatch } from "@jichat/protocol/log/encode-batch.ts";
import type { Batch } from "@jichat/protocol/log/record.ts";
import { NOBODY_ONLINE } from "../test/stand-ins.ts";
import { Owner } from "./owner.ts";
import type { Log } from "./ports.ts";

/** Time passes only in sleeps, so a wait without a bound would never end, and a bound shows exactly. */
function virtualClock(): Clock {
  let now = 0;
  return {
    now: () => now,
    monotonic: () => now,
    sleep: async (ms, signal) => {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      signal?.throwIfAborted();
      now += ms;
    },
  };
}

function memoryLog(): Log {
  const batches: Batch[] = [];
  return {
    append: async (bytes) => ({ outcome: "stored", position: batches.push(decodeBatch(bytes)) }),
    first: async () => 1,
    end: async () => batches.length,
    at: async (position) => batches[position - 1],
    async *range() {
      yield* [];
    },
  };
}

/** An owner that serves while Redis takes nothing, so that its effects never end. */
async function servingWithoutRedis() {
  const clock = virtualClock();
  let snapshots = 0;
  const serves = Promise.withResolvers<void>();
  const owner = new Owner({
    ...NOBODY_ONLINE,
    sessions: { ...NOBODY_ONLINE.sessions, publish: async () => new Promise<never>(() => undefined) },
    partition: 0,
    clock,
    log: memoryLog(),
    facts: { ask: async () => ({ conversations: [], ids: [], events: [] }), watermark: () => 0 },
    isFull: () => false,
    loadSnapshot: async () => undefined,
    saveSnapshot: async () => {
      snapshots += 1;
    },
    serve: () => {
      serves.resolve();
      return () => undefined;
    },
    warn: () => undefined,
  });
  owner.start();
  await serves.promise;
  await clock.sleep(0);
  const began = clock.monotonic();
  return { owner, spentMs: () => clock.monotonic() - began, snapshots: () => snapshots };
}

test("a hand-over waits for effects for 200 ms at most, and saves no snapshot while nobody serves", async () => {
  const { owner, spentMs, snapshots } = await servingWithoutRedis();
  await owner.handOver();
  assert.ok(spentMs() >= 200 && spentMs() <= 250, `${spentMs()} ms`);
  assert.equal(snapshots(), 0);
  assert.equal(owner.state, "stopped");
});

test("a stop without a successor gives effects three seconds, and saves a snapshot", async () => {
  const { owner, spentMs, snapshots } = await servingWithoutRedis();
  await owner.stop();
  assert.ok(spentMs() >= 3_000 && spentMs() <= 3_050, `${spentMs()} ms`);
  assert.equal(snapshots(), 1);
  assert.equal(owner.state, "stopped");
});
