import type { BodyText } from "@jichat/protocol/frame/body.ts";
import type { EventKind, InnerEvent } from "@jichat/protocol/frame/server-frame.ts";
import type { EventRecord } from "@jichat/protocol/log/record.ts";
import type { Change } from "./changes.ts";
import { Changes, targetsOf } from "./changes.ts";
import type { Run } from "./tail.ts";

export interface EventRow extends Record<string, unknown> {
  readonly conversation: string;
  readonly seq: number;
  readonly no: number;
  readonly kind: string;
  readonly sender: string;
  readonly id: string;
  readonly ts: number;
  readonly body: string;
  readonly reply_to: number;
  readonly mentions: readonly string[];
  readonly target: number;
  readonly users: readonly string[];
  readonly name: string;
}

export const eventOfRow = (row: EventRow): InnerEvent => ({
  conversation: row.conversation,
  seq: row.seq,
  no: row.no,
  kind: row.kind as EventKind,
  from: row.sender,
  ts: row.ts,
  ...(row.id === "" ? {} : { id: row.id }),
  ...(row.body === "" ? {} : { body: row.body as BodyText }),
  ...(row.reply_to === 0 ? {} : { replyTo: row.reply_to }),
  ...(row.mentions.length === 0 ? {} : { mentions: row.mentions }),
  ...(row.target === 0 ? {} : { target: row.target }),
  ...(row.users.length === 0 ? {} : { users: row.users }),
  ...(row.name === "" ? {} : { name: row.name }),
});

export function eventOfRecord(record: EventRecord): InnerEvent {
  const { r: _, device: _device, session: _session, trace: _trace, ...event } = record;
  return event;
}

/** Where ClickHouse's rows come from: a query for each question, or one for many. */
export interface EventSource {
  events(conversation: string, first: number, last: number): Promise<readonly EventRow[]>;
  /** Edits and recalls of `targets` up to `upTo`, in rising seq. */
  changes(conversation: string, targets: readonly number[], upTo: number): Promise<readonly Change[]>;
}

/** What an event is made of, in the table's order: what readers get, and what a digest is of. */
export const EVENT_COLUMNS: readonly string[] = [
  "conversation",
  "seq",
  "no",
  "kind",
  "sender",
  "id",
  "ts",
  "body",
  "reply_to",
  "mentions",
  "target",
  "users",
  "name",
];

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
        found.set(record.seq, eventOfRecord(record));
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
      if (
        record.r !== "event" ||
        record.target === undefined ||
        record.seq > upTo ||
        !wanted.has(record.target)
      )
        continue;
      changes.push({ target: record.target, seq: record.seq, kind: record.kind, body: record.body ?? "" });
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
