import assert from "node:assert/strict";
import { test } from "node:test";
import type { JetStreamManager } from "@nats-io/jetstream";
import { TimeoutError } from "@nats-io/transport-node";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { PartitionLog } from "./partition-log.ts";

const BYTES = new Uint8Array(1);

test("an append waits for a measured time, and longer after one that got no answer", async () => {
  const waits: number[] = [];
  const fates = ["stored", "timeout", "refused", "timeout", "stored", "stored"];
  const publish = async (_: string, __: Uint8Array, { timeout }: { timeout: number }): Promise<unknown> => {
    waits.push(timeout);
    const fate = fates.shift();
    if (fate === "timeout") throw new TimeoutError();
    if (fate === "refused") throw new Error("no responders");
    return { seq: 1 };
  };
  const jsm = { jetstream: () => ({ publish }) } as unknown as JetStreamManager;
  const log = new PartitionLog(jsm, namesOf("jichat"), 0);
  const append = async (expected: number): Promise<unknown> =>
    log.append(BYTES, expected).catch((error: unknown) => error);
  await append(0);
  assert.ok((await append(1)) instanceof TimeoutError, "its outcome is unknown");
  await append(1);
  await append(1);
  await append(1);
  await append(2);
  await append(3);
  assert.deepEqual(
    waits,
    [1_000, 500, 1_000, 1_000, 2_000, 2_000, 500],
    "only the answer to a first attempt counts, and only time that passed",
  );
});
