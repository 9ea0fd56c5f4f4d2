import { eventOf } from "@jichat/conversation/event.ts";
import type { Run } from "./run.ts";
import type { EventSource } from "./event-row.ts";
import { eventOfRow } from "./event-row.ts";
import type { InnerEvent } from "@jichat/protocol/frame/server-frame.ts";
import type { Change } from "@jichat/conversation/changes.ts";
import { Changes, changeOf, targetsOf } from "@jichat/conversation/changes.ts";

/**
 * Events [first, last] of a conversation from ClickHouse and the runs, each once, in rising seq, as they
 * were first sent.
 */
async function rawEvents(
  source: EventSource,
  runs: readonly Run[],
  conversation: string,
  first: number,
  last: number,
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

async function changesOf(
  source: EventSource,
  runs: readonly Run[],
  conversation: string,
  targets: readonly number[],
  upTo: number,
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

/** Events [first, last] as they were first sent, and what became of them as far as `upTo`. */
export interface Span {
  readonly events: readonly InnerEvent[];
  readonly changes: Changes;
}

export async function readSpan(
  source: EventSource,
  runs: readonly Run[],
  conversation: string,
  first: number,
  last: number,
  upTo = Number.MAX_SAFE_INTEGER,
): Promise<Span> {
  const events = await rawEvents(source, runs, conversation, first, last);
  const changes = new Changes();
  for (const change of await changesOf(source, runs, conversation, targetsOf(events), upTo))
    changes.add(change);
  return { events, changes };
}

export const shownOf = ({ events, changes }: Span): InnerEvent[] =>
  events.map((event) => changes.shown(event));
