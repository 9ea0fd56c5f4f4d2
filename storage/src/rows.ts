import { extraOf, foldedExtraOf } from "@jichat/conversation/extra.ts";
import { kindOf } from "@jichat/conversation/tables.ts";
import { EVENT_COLUMNS } from "./event-row.ts";
import { hash } from "node:crypto";
import type { EventRecord, LogRecord, SettingRecord } from "@jichat/protocol/log/record.ts";
import type { Positioned } from "@jichat/log/partition-log.ts";
import type { Values } from "./fit.ts";
import { isFit, repaired } from "./fit.ts";
import type { Origin } from "./lines.ts";
import { Lines } from "./lines.ts";

/** The rows made from runs of the log, in the order in which the tables are written. */
export type Rows = Readonly<
  Record<"events" | "edits" | "lifecycle" | "memberships" | "heads" | "marks" | "settings" | "ids", Lines>
>;

export const noRows = (): Rows => ({
  events: new Lines([...EVENT_COLUMNS, "partition", "position", "digest"]),
  edits: new Lines(["conversation", "target", "seq", "kind", "body"]),
  lifecycle: new Lines(["conversation", "seq", "no", "kind", "sender", "users", "name", "position", "extra"]),
  memberships: new Lines(["user", "conversation", "seq", "no", "joined", "partition", "position"]),
  heads: new Lines(["conversation", "head", "no", "ts", "position"]),
  marks: new Lines(["conversation", "user", "seq", "no", "position"]),
  settings: new Lines(["conversation", "user", "seq", "value", "position"]),
  ids: new Lines(["conversation", "user", "id", "seq", "ts"]),
});

/** An event's values, in the order of `EVENT_COLUMNS`. */
export function valuesOf(record: EventRecord): Values {
  const { conversation, seq, no, kind, from, id, ts, body, replyTo, mentions, target, users, name } = record;
  return [
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
    extraOf(record),
  ];
}

/** A digest of 52 bits: JavaScript represents it exactly, like ClickHouse. */
export const digestOfText = (text: string): number =>
  Number.parseInt(hash("sha256", text, "hex").slice(0, 13), 16);

/**
 * The text that is digested. An event without `extra` keeps the digest that it had before that column
 * existed.
 */
const digestTextOf = (values: Values): string =>
  JSON.stringify(values.at(-1) === "" ? values.slice(0, -1) : values);

/**
 * The digest by which a table and a log are compared, event by event. `values` are in the order of
 * `EVENT_COLUMNS`.
 */
export const digestOf = (values: Values): number => digestOfText(digestTextOf(values));

/**
 * Adds a row. If ClickHouse would refuse or change it, adds a repaired row, and the original to `unfit`.
 * `text` is the same values as JSON.
 */
export function addRow(lines: Lines, values: Values, origin: Origin, text = JSON.stringify(values)): void {
  if (isFit(lines.columns, values)) {
    lines.addText(text, origin);
    return;
  }
  lines.unfit.push([text, origin]);
  lines.add(repaired(lines.columns, values), origin);
}

/**
 * Adds the rows of one run. Pure: the rows depend on the run alone. Where only the latest matters (heads,
 * marks and settings), only that is added: a busy conversation is one row per run, not one per message.
 */
export function addRun(rows: Rows, partition: number, batches: Iterable<Positioned>): void {
  const heads = new Map<string, readonly [Values, Origin]>();
  const marks = new Map<string, readonly [Values, Origin]>();
  const settings = new Map<string, readonly [Values, Origin]>();
  for (const { position, batch } of batches) {
    const origin = { partition, position };
    for (const record of batch.records) {
      const { conversation } = record;
      if (record.r === "note" || record.r === "setting") {
        addRow(rows.ids, [conversation, record.user, record.id, record.seq, record.ts], origin);
        if (record.r === "setting")
          settings.set(`${conversation} ${record.user}`, [settingValues(record, position), origin]);
        continue;
      }
      const { seq, no } = record;
      const reader = readerOf(record);
      if (reader !== undefined)
        marks.set(`${conversation} ${reader}`, [[conversation, reader, seq, no, position], origin]);
      if (record.r === "mark") continue;
      heads.set(conversation, [[conversation, seq, no, record.ts, position], origin]);
      addEvent(rows, origin, record);
    }
  }
  for (const [head, origin] of heads.values()) addRow(rows.heads, head, origin);
  for (const [mark, origin] of marks.values()) addRow(rows.marks, mark, origin);
  for (const [setting, origin] of settings.values()) addRow(rows.settings, setting, origin);
}

const settingValues = ({ conversation, user, seq, settings }: SettingRecord, position: number): Values => [
  conversation,
  user,
  seq,
  settings === undefined ? "" : JSON.stringify(settings),
  position,
];

/** The user whose read mark this record moves. A sender has read everything before their own message. */
function readerOf(record: Exclude<LogRecord, { readonly r: "note" | "setting" }>): string | undefined {
  if (record.r === "mark") return record.user;
  return kindOf(record.kind)?.isMessage === true ? record.from : undefined;
}

function addEvent(rows: Rows, origin: Origin, record: EventRecord): void {
  const { conversation, seq, no, kind, from, id, ts, users = [], name = "" } = record;
  const { partition, position } = origin;
  const values = valuesOf(record);
  const text = digestTextOf(values);
  const digest = digestOfText(text);
  const extra = values.at(-1) === "" ? ',""' : "";
  const line = `${text.slice(0, -1)}${extra},${partition},${position},${digest}]`;
  if (isFit(rows.events.columns, values)) rows.events.addText(line, origin);
  else addRow(rows.events, [...values, partition, position, digest], origin, line);
  if (id !== undefined) addRow(rows.ids, [conversation, from, id, seq, ts], origin);
  const known = kindOf(kind);
  if (known?.isFolded === true) {
    const folded = [conversation, seq, no, kind, from, users, name, position, foldedExtraOf(record)];
    addRow(rows.lifecycle, folded, origin);
  }
  known?.rows?.(
    (table, own) => {
      addRow(rows[table], own, origin);
    },
    record,
    origin,
  );
}
