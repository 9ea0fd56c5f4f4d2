import assert from "node:assert/strict";
import { test } from "node:test";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { PartitionWork } from "./partition-work.ts";
import type { QueueMessage } from "./ports.ts";
import { Room } from "./room.ts";

const settled = async (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

test("what arrives after the lease is lost takes no room, and is left to the next worker", async () => {
  const clock = new HandClock();
  const room = new Room({ clock, bytesMax: 1_000, isFull: () => false, onFull: () => undefined });
  const coming = Promise.withResolvers<void>();
  const acked: number[] = [];
  const messageAt = (position: number): QueueMessage => ({
    position,
    bytes: new Uint8Array(100),
    deliveries: 1,
    pending: 0,
    ack: () => void acked.push(position),
    working: () => undefined,
    later: () => undefined,
  });
  const taken: number[] = [];
  const work = new PartitionWork(
    {
      clock,
      room,
      queue: {
        async *read() {
          yield messageAt(1);
          await coming.promise;
          yield messageAt(2);
        },
      },
      worker: { take: async (batch) => void taken.push(batch.length) },
      lanes: { flush: () => undefined },
      log: { warn: () => undefined, error: () => undefined },
    },
    0,
  );
  work.start();
  await settled();
  assert.deepEqual([room.bytes, taken], [100, [1]]);
  work.drop();
  assert.equal(room.bytes, 0);
  coming.resolve();
  await settled();
  assert.deepEqual([room.bytes, taken, acked], [0, [1], []]);
});
