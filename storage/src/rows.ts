import { hash } from "node:crypto";
import type { EventRecord } from "@jichat/protocol/log/record.ts";
import type { Positioned } from "@jichat/runtime/partition-log.ts";
import type { Row, Table } from "./store.ts";

export type Rows = Record<Exclude<Table, "watermarks" | "migrations">, Row[]>;

export const noRows = (): Rows => ({
  events: [],
  edits: [],
  lifecycle: [],
  memberships: [],
  heads: [],
  marks: [],
  ids: [],
});

/**
 * What a table and a log must agree on, event by event. 53 bits, so that JavaScript sums what ClickHouse
 * sums.
 */
export function digestOf(record: EventRecord): number {
  const { conversation, seq, no, kind, from, id, ts, body, replyTo, mentions, target, users, name } = record;
  const text = JSON.stringify([
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
  return Number.parseInt(hash("sha256", text, "hex").slice(0, 13), 16);
}

/** Adds the rows of one batch. Pure: what a run becomes depends on nothing but the run. */
export function addRows(rows: Rows, partition: number, { position, batch }: Positioned): void {
  const heads = new Map<string, Row>();
  for (const record of batch.records) {
    const { conversation } = record;
    if (record.r === "mark") {
      rows.marks.push({ conversation, user: record.user, seq: record.seq, no: record.no, position });
    } else if (record.r === "note") {
      rows.ids.push({ conversation, user: record.user, id: record.id, seq: record.seq, ts: record.ts });
    } else {
      addEvent(rows, partition, position, record);
      heads.set(conversation, { conversation, head: record.seq, no: record.no, ts: record.ts, position });
    }
  }
  rows.heads.push(...heads.values());
}

function addEvent(rows: Rows, partition: number, position: number, record: EventRecord): void {
  const { conversation, seq, no, kind, from, id, ts, target = 0, users = [], name = "", body = "" } = record;
  rows.events.push({
    conversation,
    seq,
    no,
    kind,
    sender: from,
    id: id ?? "",
    ts,
    body,
    reply_to: record.replyTo ?? 0,
    mentions: record.mentions ?? [],
    target,
    users,
    name,
    partition,
    position,
    digest: digestOf(record),
  });
  if (id !== undefined) rows.ids.push({ conversation, user: from, id, seq, ts });
  switch (kind) {
    case "message":
      rows.marks.push({ conversation, user: from, seq, no, position });
      break;
    case "edited":
    case "recalled":
      rows.edits.push({ conversation, target, seq, kind, body });
      break;
    case "lost":
      break; // Its row is all that there is to it.
    case "created":
    case "joined":
    case "left":
    case "renamed":
      rows.lifecycle.push({ conversation, seq, no, kind, sender: from, users, name, position });
      for (const user of kind === "renamed" ? [] : users) {
        rows.memberships.push({
          user,
          conversation,
          seq,
          no,
          joined: kind === "left" ? 0 : 1,
          partition,
          position,
        });
      }
  }
}

/**
 * The latest per key of what only its maximum matters: a busy conversation is one row per run, not one per
 * message.
 */
export function coalesce(rows: Rows): Rows {
  const heads = new Map(rows.heads.map((row) => [String(row["conversation"]), row]));
  const marks = new Map(
    rows.marks.map((row) => [`${String(row["conversation"])} ${String(row["user"])}`, row]),
  );
  return { ...rows, heads: [...heads.values()], marks: [...marks.values()] };
}
