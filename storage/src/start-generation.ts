import { Run } from "./run.ts";
import { randomBytes } from "node:crypto";
import type { HeadEntry } from "@jichat/protocol/bus/query.ts";
import { encodeBatch } from "@jichat/protocol/log/encode-batch.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { FencedLog } from "@jichat/log/fenced-append.ts";
import { appendFenced } from "@jichat/log/fenced-append.ts";
import type { Batch, LogRecord } from "@jichat/protocol/log/record.ts";
import type { SavedSnapshot } from "@jichat/protocol/log/snapshot.ts";
import type { PartitionLog } from "@jichat/log/partition-log.ts";
import { readWatermarks, writeRuns } from "./batch-writer.ts";
import { ColdRows } from "./cold-rows.ts";
import { foldConversations } from "./cold-state.ts";
import type { KnownHead } from "./generation.ts";
import { POSITIONS_LEFT_OUT, furthest, lostEvents } from "./generation.ts";
import type { Store } from "./store.ts";

const RECORDS_PER_BATCH = 500;
const CONVERSATIONS_AT_ONCE = 500;
/** NATS may elect a leader meanwhile. */
const BATCH_WITHIN_MS = 60_000;
/** The beginning of the owner's name in batches of a new generation. */
const GENERATION = "generation-";

export interface GenerationParts {
  readonly partition: number;
  readonly log: Pick<PartitionLog, "append" | "at" | "end" | "range" | "restartAbove" | "state">;
  readonly store: Store;
  readonly snapshot: SavedSnapshot | undefined;
  /** This partition's heads in Redis. Empty if Redis was lost too. */
  readonly heads: readonly HeadEntry[];
  /** A position that is known to be committed, for example from an owner's log line. */
  readonly above: number;
}

export interface GenerationReport {
  readonly partition: number;
  /** `end`: the end of the log. `known`: the highest position known to be committed. */
  readonly end: number;
  readonly known: number;
  /** The new generation's first position. */
  readonly first: number;
  readonly conversations: number;
  readonly lost: number;
}

/**
 * Lets a partition continue after its log lost committed batches (docs/design.md, "A log that went back").
 * The new positions and seqs are above the highest known ones. Every step is idempotent, so an interrupted
 * run is simply repeated. Throws if the log has not regressed, because then nothing needs repair.
 */
export async function startGeneration(parts: GenerationParts): Promise<GenerationReport> {
  const { partition, log, store, snapshot, heads, above } = parts;
  const { first, end } = await log.state();
  const watermark = (await readWatermarks(store)).get(partition) ?? 0;
  const known = Math.max(watermark, snapshot?.position ?? 0, above, ...heads.map(({ position }) => position));
  const isUnfinished = end > 0 && (first > end || (await isBegun(log, first, watermark)));
  if (known <= end && !isUnfinished) {
    throw new Error(
      `partition ${partition} ends at ${end}, and no position above ${known} was committed: nothing is lost`,
    );
  }
  if (watermark < end && !isUnfinished) await keepRest(log, store, { partition, watermark, end });
  const records = await lostOf(store, await knownHeads(snapshot, heads));
  const start = Math.max(known, end) + POSITIONS_LEFT_OUT;
  await log.restartAbove(start);
  await append(log, start, records);
  await store.insert("watermarks", [{ partition, position: start }]);
  const conversations = new Set(records.map(({ conversation }) => conversation)).size;
  return { partition, end, known, first: start + 1, conversations, lost: records.length };
}

/**
 * Whether an earlier run ended before it had written everything: it empties the log, appends, and says last
 * that ClickHouse has what was before.
 */
async function isBegun(log: Pick<PartitionLog, "at">, first: number, watermark: number): Promise<boolean> {
  if (watermark >= first - 1) return false;
  const batch = await log.at(first);
  return batch?.epoch === true && batch.owner.startsWith(GENERATION);
}

interface Unwritten {
  readonly partition: number;
  readonly watermark: number;
  readonly end: number;
}

/** Writes the part of the old log that is not yet in ClickHouse. */
async function keepRest(
  log: Pick<PartitionLog, "range">,
  store: Store,
  { partition, watermark, end }: Unwritten,
): Promise<void> {
  const run = new Run(partition, watermark + 1);
  for await (const positioned of log.range(watermark + 1, end)) run.add(positioned);
  await writeRuns([run], store);
}

async function knownHeads(
  snapshot: SavedSnapshot | undefined,
  heads: readonly HeadEntry[],
): Promise<KnownHead[]> {
  const known = new Map<string, KnownHead>();
  for await (const { id, head, members, ...rest } of snapshot?.conversations ?? [])
    known.set(id, { ...rest, conversation: id, seq: head, members: members.map(([user]) => user) });
  for (const { conversation, pair, last, ...rest } of heads) {
    const members = pair ?? (last?.kind === "created" ? last.users : undefined);
    known.set(conversation, furthest(known.get(conversation), { ...rest, conversation, members }));
  }
  return [...known.values()];
}

async function lostOf(store: Store, known: readonly KnownHead[]): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for (let at = 0; at < known.length; at += CONVERSATIONS_AT_ONCE) {
    const some = known.slice(at, at + CONVERSATIONS_AT_ONCE);
    const held = await foldConversations(
      new ColdRows(store),
      [],
      some.map(({ conversation }) => conversation),
      false,
    );
    for (const head of some) records.push(...lostEvents(head, held.get(head.conversation)));
  }
  return records;
}

/**
 * Appends at least one batch, so that the log is not empty. `done` is `start`: earlier effects cannot be
 * redone.
 */
async function append(log: FencedLog, start: number, records: readonly LogRecord[]): Promise<void> {
  const owner = `${GENERATION}${randomBytes(9).toString("base64url")}`;
  let position = start;
  for (let number = 0; number === 0 || number * RECORDS_PER_BATCH < records.length; number += 1) {
    const some = records.slice(number * RECORDS_PER_BATCH, (number + 1) * RECORDS_PER_BATCH);
    const batch: Batch = {
      v: 1,
      owner,
      number,
      ...(number === 0 ? { epoch: true } : {}),
      done: start,
      ts: Date.now(),
      records: some,
    };
    position = await appendFenced(log, {
      batch,
      bytes: encodeBatch(batch),
      expected: position,
      clock: systemClock,
      signal: AbortSignal.timeout(BATCH_WITHIN_MS),
    }).catch((cause: unknown) => {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(
        `batch ${number} of the new generation was not stored: ${reason}; run \`generation\` again`,
        { cause },
      );
    });
  }
}
