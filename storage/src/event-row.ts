import { fieldsOfExtra } from "@jichat/conversation/extra.ts";
import type { Change } from "@jichat/conversation/changes.ts";
import type { EventKind, InnerEvent } from "@jichat/protocol/frame/server-frame.ts";
import type { BodyText } from "@jichat/protocol/frame/body.ts";

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
  /** Compact JSON of the fields that the event's kind has beyond the columns. */
  readonly extra: string;
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
  ...fieldsOfExtra(row.extra),
});

/** A source of rows in ClickHouse, with one query for each request or one for many. */
export interface EventSource {
  events(conversation: string, first: number, last: number): Promise<readonly EventRow[]>;
  /** Edits and recalls of `targets` up to `upTo`, in rising seq. */
  changes(conversation: string, targets: readonly number[], upTo: number): Promise<readonly Change[]>;
}

/** The columns of an event. Readers get them, and the digest covers them. */
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
  "extra",
];
