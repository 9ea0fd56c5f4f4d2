import type { Clock } from "@jichat/protocol/clock.ts";
import { encodeBatch } from "@jichat/protocol/log/encode-batch.ts";
import type { Batch, LogRecord } from "@jichat/protocol/log/record.ts";
import { addEffect } from "./add-effect.ts";
import { emptyUnit } from "./effect-unit.ts";
import type { IsOurs } from "@jichat/log/fenced-append.ts";
import { LogRegressed, OwnershipLost, appendFenced } from "@jichat/log/fenced-append.ts";
import { PartitionState } from "./partition-state.ts";
import type { Log } from "./ports.ts";
import type { SavedSnapshot } from "@jichat/protocol/log/snapshot.ts";
import { stateOf } from "./snapshot.ts";
import { Undone } from "./undone.ts";

/** A partition that was read up to `position` and can be taken over. */
export interface Replayed {
  state: PartitionState;
  position: number;
  /** Effects up to this position are done, as far as the batches that were read say. */
  done: number;
  readonly undone: Undone;
}

/** Positions that the log is known to have reached: in ClickHouse, and by this router's own commits. */
export interface KnownPositions {
  readonly watermark: number;
  readonly committed: number;
}

export interface ReplayBounds {
  /** Most ids that hot conversations may hold together. */
  readonly idsMax?: number | undefined;
  /** Most bytes that the effects of records which may be undone may hold. */
  readonly backlogBytesMax: number;
}

/**
 * Starts a replay after a usable snapshot, or else after what storage holds. Throws LogRegressed if the log
 * ends before a known position.
 */
export async function startReplay(
  log: Log,
  snapshot: SavedSnapshot | undefined,
  { watermark, committed }: KnownPositions,
  { idsMax, backlogBytesMax }: ReplayBounds,
): Promise<Replayed> {
  const undone = new Undone(backlogBytesMax);
  const end = await log.end();
  const last = end > 0 ? await log.at(end) : undefined;
  // A new generation empties the log and restarts it at once. If it was interrupted in between, it must be
  // finished first.
  if (end > 0 && last === undefined)
    throw new LogRegressed(`the log is empty up to ${end}: run \`generation\` again`);
  const warm = snapshot === undefined ? undefined : await stateOf(snapshot, idsMax);
  if (snapshot !== undefined && snapshot.position > end) throw regressed(end, snapshot.position);
  const known = Math.max(watermark, committed);
  if (known > end) throw regressed(end, known);
  if (warm !== undefined && snapshot !== undefined) {
    // Effects are redone from records, so the log must still hold the first record whose effects may be
    // undone.
    const replayed: Replayed = { state: warm, position: snapshot.position, done: snapshot.done, undone };
    if (await reaches(log, Math.min(snapshot.position, snapshot.done) + 1, end))
      return redoFrom(log, replayed, snapshot);
  }
  // Trimmed batches were in ClickHouse and their effects were done, whatever watermark we have heard of.
  const from = Math.max(Math.min(watermark, last?.done ?? end), (await log.first()) - 1);
  return { state: new PartitionState(idsMax), position: from, done: from, undone };
}

const regressed = (end: number, known: number): LogRegressed =>
  new LogRegressed(`the log ends at ${end}, but position ${known} was committed`);

/** Whether the log still holds `position`. If it was trimmed beyond it, the snapshot is ignored. */
const reaches = async (log: Log, position: number, end: number): Promise<boolean> =>
  position > end || (await log.at(position)) !== undefined;

/**
 * Adds the effects between a snapshot's `done` and its position. They use the conversations' present state,
 * which is enough.
 */
async function redoFrom(log: Log, replayed: Replayed, snapshot: SavedSnapshot): Promise<Replayed> {
  for await (const { position, batch } of log.range(snapshot.done + 1, snapshot.position)) {
    replayed.undone.add(position, emptyUnit(position), batch.records);
  }
  return replayed;
}

/** Applies the log's batches up to its present end. */
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

/**
 * Makes the first append of a reign. If an older owner still appended before it, this catches up and tries
 * again.
 */
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
