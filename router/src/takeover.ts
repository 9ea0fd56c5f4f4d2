import type { Clock } from "@jichat/protocol/clock.ts";
import type { ConversationFacts } from "@jichat/protocol/bus/query.ts";
import { encodeInner } from "@jichat/protocol/bus/wire.ts";
import type { Batch, EventRecord, LogRecord } from "@jichat/protocol/log/record.ts";
import { AskSize } from "./ask-size.ts";
import { loadedConversation } from "./conversation.ts";
import type { EffectUnit } from "./effect-unit.ts";
import { addEffect, emptyUnit, innerEventOf, merge } from "./effect-unit.ts";
import type { Unresolved } from "./effects.ts";
import type { IsOurs } from "./fenced-append.ts";
import { LogRegressed, OwnershipLost, appendFenced } from "./fenced-append.ts";
import { PartitionState } from "./partition-state.ts";
import type { Facts, Log } from "./ports.ts";
import type { Snapshot } from "@jichat/protocol/log/snapshot.ts";
import { stateOf } from "./snapshot.ts";

/** A partition read up to `position`, ready to be taken over. */
export interface Replayed {
  state: PartitionState;
  position: number;
  /** What effects the batches so far say were done. */
  done: number;
  /**
   * Records whose effects may not be done, oldest first, with what `addEffect` made of those whose
   * conversation is hot.
   */
  pending: { position: number; unit: EffectUnit; cold: LogRecord[] }[];
}

/**
 * How far the log is known to have reached: as ClickHouse holds it, and as this router itself has committed.
 */
export interface KnownPositions {
  readonly watermark: number;
  readonly committed: number;
}

/** Where a replay starts: behind a usable snapshot, else behind what storage holds. */
export async function startReplay(
  log: Log,
  snapshot: Snapshot | undefined,
  { watermark, committed }: KnownPositions,
  idsMax?: number,
): Promise<Replayed> {
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
    const replayed: Replayed = { state: warm, position: snapshot.position, done: snapshot.done, pending: [] };
    if (await reaches(log, Math.min(snapshot.position, snapshot.done) + 1, end))
      return redoFrom(log, replayed, snapshot);
  }
  // What is trimmed away was in ClickHouse and its effects done, whatever we have heard of the watermark so
  // far.
  const from = Math.max(Math.min(watermark, last?.done ?? end), (await log.first()) - 1);
  return { state: new PartitionState(idsMax), position: from, done: from, pending: [] };
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
    replayed.pending.push({ position, unit: emptyUnit(position), cold: [...batch.records] });
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
    replayed.pending.push({ position, unit, cold });
    replayed.position = position;
    replayed.done = Math.max(replayed.done, batch.done);
    forgetDone(replayed);
  }
}

function forgetDone(replayed: Replayed): void {
  const first = replayed.pending.findIndex(({ position }) => position > replayed.done);
  if (first > 0) replayed.pending.splice(0, first);
  else if (first < 0) replayed.pending = [];
}

/** The first append of a reign. Catches up with whatever an older owner still got in before it. */
export async function appendEpoch(
  log: Log,
  replayed: Replayed,
  owner: string,
  clock: Clock,
  signal: AbortSignal,
  ours?: IsOurs,
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
      return await appendFenced(log, batch, encodeInner(batch), replayed.position, clock, signal, ours);
    } catch (error) {
      if (!(error instanceof OwnershipLost)) throw error;
      await catchUp(log, replayed);
    }
  }
}

/**
 * The effects that may not be done, as the first thing the new reign does. Cold conversations' members are
 * asked of storage; who joined later than a record is not shown it.
 */
export function redoOf(replayed: Replayed, facts: Facts): Unresolved | undefined {
  const pending = replayed.pending;
  if (pending.length === 0) return undefined;
  const last = pending.at(-1)?.position ?? 0;
  return async () => {
    const wanted = new Set(pending.flatMap(({ cold }) => cold.map((record) => record.conversation)));
    const unit = emptyUnit(0);
    const known = new Map(
      (await factsOf(facts, last, [...wanted])).map((found) => [
        found.conversation,
        loadedConversation(found),
      ]),
    );
    for (const { position, unit: hot, cold } of pending) {
      const resolved = emptyUnit(position);
      for (const record of cold) {
        const conversation = known.get(record.conversation);
        if (conversation === undefined) continue;
        addEffect(resolved, conversation, record, position);
        // The facts may be newer than this record: the head must not fall behind them, nor claim their
        // position for itself.
        if (record.r === "event" && conversation.head > record.seq)
          resolved.heads.set(conversation.id, olderHead(resolved, conversation.id, record, position));
      }
      merge(unit, resolved);
      merge(unit, structuredUnit(hot));
    }
    return unit;
  };
}

/** Of any number of conversations, in as many answers as it takes. */
async function factsOf(
  facts: Facts,
  position: number,
  conversations: readonly string[],
): Promise<readonly ConversationFacts[]> {
  const found: ConversationFacts[] = [];
  const size = new AskSize();
  let waiting = conversations;
  while (waiting.length > 0) {
    const asked = waiting.slice(0, size.now);
    const reply = await facts.ask({ position, conversations: asked, ids: [], events: [] });
    const { rest = [] } = reply;
    found.push(...reply.conversations);
    size.learn(asked.length - rest.length, rest.length);
    waiting = [...rest, ...waiting.slice(asked.length)];
  }
  return found;
}

const olderHead = (unit: EffectUnit, id: string, record: EventRecord, position: number) => {
  const head = unit.heads.get(id);
  if (head === undefined) throw new Error("a head was just set");
  return { ...head, position, seq: record.seq, no: record.no, ts: record.ts, last: innerEventOf(record) };
};

/** A copy, since merging folds in place and a failed try starts again. */
const structuredUnit = (unit: EffectUnit): EffectUnit => ({
  ...unit,
  events: [...unit.events],
  marks: [...unit.marks],
  heads: new Map(unit.heads),
  entries: new Map(unit.entries),
  gaps: new Map(unit.gaps),
});
