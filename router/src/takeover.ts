import type { Clock } from "@jichat/protocol/clock.ts";
import { encodeBatch } from "@jichat/protocol/log/encode-batch.ts";
import type { Batch, LogRecord } from "@jichat/protocol/log/record.ts";
import { addEffect } from "./add-effect.ts";
import { emptyUnit } from "./effect-unit.ts";
import type { IsOurs } from "./fenced-append.ts";
import { LogRegressed, OwnershipLost, appendFenced } from "./fenced-append.ts";
import { PartitionState } from "./partition-state.ts";
import type { Log } from "./ports.ts";
import type { Snapshot } from "@jichat/protocol/log/snapshot.ts";
import { stateOf } from "./snapshot.ts";
import { Undone } from "./undone.ts";

/** A partition read up to `position`, ready to be taken over. */
export interface Replayed {
  state: PartitionState;
  position: number;
  /** What effects the batches so far say were done. */
  done: number;
  readonly undone: Undone;
}

/**
 * How far the log is known to have reached: as ClickHouse holds it, and as this router itself has committed.
 */
export interface KnownPositions {
  readonly watermark: number;
  readonly committed: number;
}

export interface ReplayBounds {
  /** Ids that hot conversations may hold together. */
  readonly idsMax?: number | undefined;
  /** What the effects of records that may be undone may hold. */
  readonly backlogBytesMax: number;
}

/** Where a replay starts: behind a usable snapshot, else behind what storage holds. */
export async function startReplay(
  log: Log,
  snapshot: Snapshot | undefined,
  { watermark, committed }: KnownPositions,
  { idsMax, backlogBytesMax }: ReplayBounds,
): Promise<Replayed> {
  const undone = new Undone(backlogBytesMax);
  const end = await log.end();
  const last = end > 0 ? await log.at(end) : undefined;
  // A new generation empties the log and at once begins it anew; who broke off there must be finished first.
  if (end > 0 && last === undefined)
    throw new LogRegressed(`the log is empty up to ${end}: run \`generation\` again`);
  const warm = snapshot === undefined ? undefined : stateOf(snapshot, idsMax);
  if (snapshot !== undefined && snapshot.position > end) throw regressed(end, snapshot.position);
  const known = Math.max(watermark, committed);
  if (known > end) throw regressed(end, known);
  if (warm !== undefined && snapshot !== undefined) {
    // Effects are redone from records, so the replay starts no later than the first that may be undone.
    const replayed: Replayed = { state: warm, position: snapshot.position, done: snapshot.done, undone };
    if (await reaches(log, Math.min(snapshot.position, snapshot.done) + 1, end))
      return redoFrom(log, replayed, snapshot);
  }
  // What is trimmed away was in ClickHouse and its effects done, whatever we have heard of the watermark so
  // far.
  const from = Math.max(Math.min(watermark, last?.done ?? end), (await log.first()) - 1);
  return { state: new PartitionState(idsMax), position: from, done: from, undone };
}

const regressed = (end: number, known: number): LogRegressed =>
  new LogRegressed(`the log ends at ${end}, but ${known} was seen committed`);

/** A trimmed log starts later than the snapshot stands: then that snapshot is ignored. */
const reaches = async (log: Log, position: number, end: number): Promise<boolean> =>
  position > end || (await log.at(position)) !== undefined;

/**
 * Effects between a snapshot's `done` and its position: of conversations as they are now, which is all that
 * is needed.
 */
async function redoFrom(log: Log, replayed: Replayed, snapshot: Snapshot): Promise<Replayed> {
  for await (const { position, batch } of log.range(snapshot.done + 1, snapshot.position)) {
    replayed.undone.add(position, emptyUnit(position), batch.records);
  }
  return replayed;
}

/** Moves over the log's batches up to its present end. */
export async function catchUp(log: Log, replayed: Replayed): Promise<void> {
  const end = await log.end();
  if (end < replayed.position) throw regressed(end, replayed.position);
  for await (const { position, batch } of log.range(replayed.position + 1, end)) {
    const unit = emptyUnit(position);
    const cold: LogRecord[] = [];
    for (const record of batch.records) {
      const conversation = replayed.state.replay(record, position);
      if (conversation === undefined) cold.push(record);
      else addEffect(unit, conversation, record, position);
    }
    replayed.undone.add(position, unit, cold);
    replayed.position = position;
    replayed.done = Math.max(replayed.done, batch.done);
    replayed.undone.forget(replayed.done);
  }
}

interface EpochAppend {
  readonly owner: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly ours?: IsOurs | undefined;
}

/** The first append of a reign. Catches up with whatever an older owner still got in before it. */
export async function appendEpoch(
  log: Log,
  replayed: Replayed,
  { owner, clock, signal, ours }: EpochAppend,
): Promise<number> {
  for (;;) {
    const batch: Batch = {
      v: 1,
      owner,
      number: 0,
      epoch: true,
      done: replayed.done,
      ts: clock.now(),
      records: [],
    };
    try {
      return await appendFenced(log, {
        batch,
        bytes: encodeBatch(batch),
        expected: replayed.position,
        clock,
        signal,
        ours,
      });
    } catch (error) {
      if (!(error instanceof OwnershipLost)) throw error;
      await catchUp(log, replayed);
    }
  }
}
