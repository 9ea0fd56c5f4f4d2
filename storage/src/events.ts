import { eventOf } from "@jichat/conversation/event.ts";
import type { Run } from "./run.ts";
import type { EventSource } from "./event-row.ts";
import { eventOfRow } from "./event-row.ts";
import type { InnerEvent } from "@jichat/protocol/frame/server-frame.ts";
import type { Change } from "@jichat/conversation/changes.ts";
import { Changes, changeOf, targetsOf } from "@jichat/conversation/changes.ts";

/** Events [first, last] of a conversation. */
interface EventRange {
  readonly conversation: string;
  readonly first: number;
  readonly last: number;
}

/**
 * Events [first, last] of a conversation from ClickHouse and the runs, as they were first sent. Each comes
 * once, in rising seq.
 */
async function rawEvents(
  source: EventSource,
  runs: readonly Run[],
  { conversation, first, last }: EventRange,
): Promise<InnerEvent[]> {
  const found = new Map<number, InnerEvent>();
  for (const run of runs) {
    for (const { record } of run.conversations.get(conversation) ?? []) {
      if (record.r === "event" && record.seq >= first && record.seq <= last)
        found.set(record.seq, eventOf(record));
    }
  }
  if (found.size < last - first + 1) {
    const rows = await source.events(conversation, first, last);
    for (const row of rows) found.set(row.seq, eventOfRow(row));
  }
  return [...found.values()].sort((a, b) => a.seq - b.seq);
}

interface ChangesAsked {
  readonly conversation: string;
  readonly targets: readonly number[];
  readonly upTo: number;
}

async function changesOf(
  source: EventSource,
  runs: readonly Run[],
  { conversation, targets, upTo }: ChangesAsked,
): Promise<Change[]> {
  if (targets.length === 0) return [];
  const wanted = new Set(targets);
  const changes: Change[] = [...(await source.changes(conversation, targets, upTo))];
  for (const run of runs) {
    for (const { record } of run.conversations.get(conversation) ?? []) {
      const change = record.r === "event" ? changeOf(record) : undefined;
      if (change !== undefined && change.seq <= upTo && wanted.has(change.target)) changes.push(change);
    }
  }
  return changes.sort((a, b) => a.seq - b.seq);
}

/** Events [first, last] as they were first sent, and their edits and recalls with a seq up to `upTo`. */
export interface Span {
  readonly events: readonly InnerEvent[];
  readonly changes: Changes;
}

interface SpanAsked extends EventRange {
  readonly upTo?: number | undefined;
}

/**
 * Reads a span from ClickHouse and `runs`. Take `runs` before this call, or a record that is flushed
 * meanwhile is missed.
 */
export async function readSpan(
  source: EventSource,
  runs: readonly Run[],
  { conversation, first, last, upTo = Number.MAX_SAFE_INTEGER }: SpanAsked,
): Promise<Span> {
  const events = await rawEvents(source, runs, { conversation, first, last });
  const changes = new Changes();
  for (const change of await changesOf(source, runs, { conversation, targets: targetsOf(events), upTo }))
    changes.add(change);
  return { events, changes };
}

/** The events as readers see them: with their latest edit, or recalled. */
export const shownOf = ({ events, changes }: Span): InnerEvent[] =>
  events.map((event) => changes.shown(event));
