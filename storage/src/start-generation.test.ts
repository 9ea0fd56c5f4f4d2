import assert from "node:assert/strict";
import { test } from "node:test";
import { directConversation } from "@jichat/protocol/ids.ts";
import { decodeBatch } from "@jichat/protocol/log/encode-batch.ts";
import type { Batch } from "@jichat/protocol/log/record.ts";
import type { Snapshot } from "@jichat/protocol/log/snapshot.ts";
import type { AppendResult, LogState } from "@jichat/log/partition-log.ts";
import { startGeneration } from "./start-generation.ts";
import type { Store } from "./store.ts";

const PARTITION = 3;
const LOST = 1_200;
const CONVERSATION = directConversation("ann", "bob");
const SNAPSHOT = {
  v: 1,
  position: 40,
  done: 40,
  conversations: [
    {
      id: CONVERSATION,
      head: LOST,
      no: LOST - 1,
      ts: 7,
      members: [["ann"], ["bob"]],
    },
  ],
} as unknown as Snapshot;

/** A log whose appends may be stored without an answer, or not be stored. */
class WornLog {
  readonly batches = new Map<number, Batch>();
  #first = 1;
  #end = 10;
  /** What happens to an append. */
  readonly fates: ("answered" | "stored" | "lost" | "full")[] = [];

  async state(): Promise<LogState> {
    return { first: this.#first, end: this.#end, bytes: 0, bytesMax: 1, behind: [] };
  }

  async end(): Promise<number> {
    return this.#end;
  }

  async at(position: number): Promise<Batch | undefined> {
    return this.batches.get(position);
  }

  // eslint-disable-next-line require-yield
  async *range(): AsyncGenerator<never> {
    return;
  }

  async restartAbove(position: number): Promise<void> {
    this.batches.clear();
    this.#first = position + 1;
    this.#end = position;
  }

  async append(bytes: Uint8Array, expected: number): Promise<AppendResult> {
    const fate = this.fates.shift() ?? "answered";
    if (fate === "full") return { outcome: "full" };
    if (fate === "lost") throw new Error("no answer");
    if (expected !== this.#end) return { outcome: "sequence" };
    this.#end += 1;
    this.batches.set(this.#end, decodeBatch(bytes));
    if (fate === "stored") throw new Error("no answer");
    return { outcome: "stored", position: this.#end };
  }
}

class Watermarks {
  position = 10;

  async query(sql: string): Promise<readonly unknown[]> {
    return sql.includes(".watermarks") ? [{ partition: PARTITION, position: this.position }] : [];
  }

  async insert(table: string, rows: readonly { position: number }[]): Promise<void> {
    if (table === "watermarks") this.position = Math.max(this.position, rows[0]?.position ?? 0);
  }
}

const begin = () => {
  const log = new WornLog();
  const store = new Watermarks();
  const run = async () =>
    startGeneration({
      partition: PARTITION,
      log,
      store: store as unknown as Store,
      snapshot: SNAPSHOT,
      heads: [],
      above: 0,
    });
  const seqs = (): number[] =>
    [...log.batches.values()].flatMap(({ records }) =>
      records.map((record) => ("seq" in record ? record.seq : 0)),
    );
  return { log, store, run, seqs };
};
const EVERY = Array.from({ length: LOST }, (_, index) => index + 1);

test("answers to appends of a new generation may be lost", async () => {
  const { log, store, run, seqs } = begin();
  log.fates.push("stored", "lost", "lost", "answered", "stored");
  const { lost, first } = await run();
  assert.equal(lost, LOST);
  assert.deepEqual(seqs(), EVERY, "each once, in their order");
  assert.equal(store.position, first - 1);
  await assert.rejects(run(), /nothing is lost/, "it is complete");
});

test("a new generation that ended in its middle is written anew by the next run", async () => {
  const { log, store, run, seqs } = begin();
  log.fates.push("answered", "full");
  await assert.rejects(run(), /batch 1 .* was not stored: the log .* is full.*run `generation` again/);
  assert.equal(log.batches.size, 1);
  assert.equal(store.position, 10);
  const { lost } = await run();
  assert.equal(lost, LOST);
  assert.deepEqual(seqs(), EVERY);
});
