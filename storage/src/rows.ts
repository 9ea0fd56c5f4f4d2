import { hash } from "node:crypto";
import type { EventRecord, LogRecord } from "@jichat/protocol/log/record.ts";
import type { Positioned } from "@jichat/runtime/partition-log.ts";
import { EVENT_COLUMNS } from "./events.ts";
import { Lines } from "./lines.ts";

/** What runs of the log become in ClickHouse, in the order in which the tables are written. */
export type Rows = Readonly<
  Record<"events" | "edits" | "lifecycle" | "memberships" | "heads" | "marks" | "ids", Lines>
>;

export const noRows = (): Rows => ({
  events: new Lines([...EVENT_COLUMNS, "partition", "position", "digest"]),
  edits: new Lines(["conversation", "target", "seq", "kind", "body"]),
  lifecycle: new Lines(["conversation", "seq", "no", "kind", "sender", "users", "name", "position"]),
  memberships: new Lines(["user", "conversation", "seq", "no", "joined", "partition", "position"]),
  heads: new Lines(["conversation", "head", "no", "ts", "position"]),
  marks: new Lines(["conversation", "user", "seq", "no", "position"]),
  ids: new Lines(["conversation", "user", "id", "seq", "ts"]),
});

/** An event's values, in the order of `EVENT_COLUMNS`. */
function digested(record: EventRecord): string {
  const { conversation, seq, no, kind, from, id, ts, body, replyTo, mentions, target, users, name } = record;
  return JSON.stringify([
    conversation,
    seq,
    no,
    kind,
    from,
    id ?? "",
    ts,
    body ?? "",
    replyTo ?? 0,
    mentions ?? [],
    target ?? 0,
    users ?? [],
    name ?? "",
  ]);
}

/** 53 bits, so that JavaScript sums what ClickHouse sums. */
const digestOfText = (text: string): number => Number.parseInt(hash("sha256", text, "hex").slice(0, 13), 16);

/** What a table and a log must agree on, event by event. */
export const digestOf = (record: EventRecord): number => digestOfText(digested(record));

/**
 * Adds the rows of one run. Pure: what a run becomes depends on nothing but the run. Of what only its maximum
 * matters, the latest per key: a busy conversation is one row per run, not one per message.
 */
export function addRun(rows: Rows, partition: number, batches: Iterable<Positioned>): void {
  const heads = new Map<string, readonly unknown[]>();
  const marks = new Map<string, readonly unknown[]>();
  for (const { position, batch } of batches) {
    for (const record of batch.records) {
      const { conversation } = record;
      if (record.r === "note") {
        rows.ids.add([conversation, record.user, record.id, record.seq, record.ts]);
        continue;
      }
      const { seq, no } = record;
      const reader = readerOf(record);
      if (reader !== undefined)
        marks.set(`${conversation} ${reader}`, [conversation, reader, seq, no, position]);
      if (record.r === "mark") continue;
      heads.set(conversation, [conversation, seq, no, record.ts, position]);
      addEvent(rows, partition, position, record);
    }
  }
  for (const head of heads.values()) rows.heads.add(head);
  for (const mark of marks.values()) rows.marks.add(mark);
}

/** Whose mark this record moves: who writes has read what came before. */
function readerOf(record: Exclude<LogRecord, { readonly r: "note" }>): string | undefined {
  if (record.r === "mark") return record.user;
  return record.kind === "message" ? record.from : undefined;
}

function addEvent(rows: Rows, partition: number, position: number, record: EventRecord): void {
  const { conversation, seq, no, kind, from, id, ts, target = 0, users = [], name = "", body = "" } = record;
  const text = digested(record);
  rows.events.addText(`${text.slice(0, -1)},${partition},${position},${digestOfText(text)}]`);
  if (id !== undefined) rows.ids.add([conversation, from, id, seq, ts]);
  switch (kind) {
    case "edited":
    case "recalled":
      rows.edits.add([conversation, target, seq, kind, body]);
      break;
    case "message":
    case "lost":
      break; // Its row is all that there is to it.
    case "created":
    case "joined":
    case "left":
    case "renamed": {
      rows.lifecycle.add([conversation, seq, no, kind, from, users, name, position]);
      const joined = kind === "left" ? 0 : 1;
      for (const user of kind === "renamed" ? [] : users)
        rows.memberships.add([user, conversation, seq, no, joined, partition, position]);
    }
  }
}
