import type { KeptSettings, ListedConversation } from "@jichat/protocol/frame/server-frame.ts";
import type { ConversationEvent, LineEvent } from "../events.ts";
import { folded, isBirthOf, isLine, names } from "./fold.ts";
import type { ConversationView } from "./types.ts";

/** What is known of one conversation without its history. Rows are replaced, never mutated. */
export interface Row<B> extends ConversationView<B> {
  /** `no` of the head; undefined while the head itself is not known. */
  readonly no: number | undefined;
  /** `last` is the latest line of the events up to here. Behind the head, it has to be looked up. */
  readonly lastAt: number;
  /** Whether `unread` is what comes after `read`: a mark in the past has to be looked up first. */
  readonly isCounted: boolean;
  /** The `at` of the settings that it has; 0 if there were none. */
  readonly settingsAt: number;
}

const NOBODY: readonly number[] = [];
type Settings = Pick<Row<unknown>, "muted" | "settingsAt">;
const NO_SETTINGS: Settings = { muted: undefined, settingsAt: 0 };
const settingsOf = ({ muted, settingsAt }: Settings): Settings => ({ muted, settingsAt });

const isDirect = (id: string): boolean => id.startsWith("d_");

/** Whether `last` is known to be the latest line, and `no` that of the head. */
export const isKnown = ({ lastAt, head, no }: Row<unknown>): boolean => lastAt >= head && no !== undefined;

const later = (a: number, b: number): number => Math.max(a, b);

/**
 * The row of a listed conversation. The server may have made the list before the latest event that the row
 * has: then only a read mark and the user's settings can be news.
 */
export function listedRow<B>(listed: ListedConversation<B>, known: Row<B> | undefined): Row<B> {
  const { conversation: id, kind, name, peer, first, head, read, unread, pins = NOBODY, muted } = listed;
  const last = listed.last as ConversationEvent<B> | undefined;
  const isSameLife = known !== undefined && known.first === first;
  const isOlder = known !== undefined && head < known.head;
  const { settingsAt = 0 } = listed;
  // Of two memberships the one that the older list speaks of is over, and its settings with it.
  const isBehind = isSameLife ? settingsAt < known.settingsAt : isOlder;
  const settings = known !== undefined && isBehind ? settingsOf(known) : { muted, settingsAt };
  if (isOlder) return { ...known, read: later(known.read, read), ...settings };
  const before = isSameLife ? known : undefined;
  // A read mark never goes back: a list that has a lower one was made before it.
  const isMarked = before !== undefined && before.read > read;
  const missed = last === undefined || before?.no === undefined ? 0 : later(0, last.no - before.no);
  const lines: Pick<Row<B>, "last" | "lastAt"> = last !== undefined && isLine(last)
    ? { last, lastAt: head }
    : {
        last: before?.last === undefined || last === undefined ? before?.last : folded(before.last, last),
        lastAt: before?.lastAt ?? 0,
      };
  return {
    id,
    kind,
    name: kind === "group" ? (name ?? id) : (peer ?? id),
    peer,
    isMember: true,
    first,
    head,
    read: isMarked ? before.read : read,
    unread: isMarked ? Math.min(unread, before.unread + missed) : unread,
    isCounted: isMarked ? before.isCounted : true,
    pins,
    ...settings,
    ...lines,
    activeAt: last?.ts ?? before?.activeAt ?? 0,
    no: last?.no ?? (before?.head === head ? before.no : undefined),
  };
}

/** The row of a conversation whose first known event is this one. */
function bornRow<B>(event: ConversationEvent<B>, me: string): Row<B> {
  const { conversation: id, seq, no, ts, name, users, from } = event;
  const peer = users?.find((user) => user !== me) ?? from;
  const own = isDirect(id) ? { kind: "direct" as const, peer } : { kind: "group" as const, peer: undefined };
  const read = seq - 1;
  return {
    id,
    ...own,
    name: name ?? own.peer ?? id,
    isMember: true,
    first: seq,
    head: read,
    read,
    unread: 0,
    pins: NOBODY,
    ...NO_SETTINGS,
    last: undefined,
    lastAt: read,
    isCounted: true,
    activeAt: ts,
    no: event.kind === "message" ? no - 1 : no,
  };
}

/** Pins after the event, which may have been counted by a list already. */
function pinsAfter(pins: readonly number[], { kind, target }: ConversationEvent<unknown>): readonly number[] {
  if (kind !== "pinned" && kind !== "unpinned") return pins;
  const others = pins.filter((seq) => seq !== target);
  return kind === "pinned" && target !== undefined ? [...others, target] : others;
}

/** The latest line after the event, which may be older than the head: what was missed comes behind a list. */
function lineAfter<B>(row: Row<B>, event: ConversationEvent<B>): Pick<Row<B>, "last" | "lastAt"> {
  const { last, lastAt } = row;
  const isNext = event.seq === lastAt + 1;
  if (isLine(event) && event.seq > (last?.seq ?? 0)) return { last: event, lastAt: later(lastAt, event.seq) };
  return {
    last: last === undefined ? undefined : folded(last, event),
    lastAt: isNext ? event.seq : lastAt,
  };
}

/** What an event beyond the head counts for, from the user's side. */
function counted<B>(row: Row<B>, event: ConversationEvent<B>, me: string): Partial<Row<B>> {
  const { seq, no, ts, kind } = event;
  const base = { head: seq, activeAt: ts, no, pins: pinsAfter(row.pins, event) };
  if (isBirthOf(me, event))
    return {
      ...base,
      first: seq,
      read: seq,
      unread: 0,
      isCounted: true,
      isMember: true,
      ...NO_SETTINGS,
      name: event.name ?? row.name,
    };
  if (kind === "left" && names(event, me)) return { ...base, isMember: false };
  if (kind === "renamed") return { ...base, name: event.name };
  if (kind !== "message") return base;
  const more = Math.max(1, no - (row.no ?? no));
  return event.from === me
    ? { ...base, read: seq, unread: 0, isCounted: true }
    : { ...base, unread: row.unread + more };
}

/** The row after an event; undefined if the conversation is not, and need not be known. */
export function eventRow<B>(
  known: Row<B> | undefined,
  event: ConversationEvent<B>,
  me: string,
): Row<B> | undefined {
  if (known === undefined && event.kind === "left") return undefined;
  const row = known ?? bornRow(event, me);
  const line = lineAfter(row, event);
  if (event.seq > row.head) return { ...row, ...counted(row, event, me), ...line };
  if (line.last === row.last && line.lastAt === row.lastAt) return row;
  return { ...row, ...line };
}

/**
 * The row after its user has read up to `seq`. `no` is that event's; while it is unknown, the unread messages
 * after it stay as they are, and are not counted.
 */
export function readRow<B>(row: Row<B>, seq: number, no: number | undefined): Row<B> {
  if (seq < row.read || (seq === row.read && row.isCounted)) return row;
  const read = Math.min(seq, row.head);
  if (read === row.head) return { ...row, read, unread: 0, isCounted: true };
  if (no === undefined || row.no === undefined) return { ...row, read, isCounted: false };
  return { ...row, read, unread: Math.min(row.unread, later(0, row.no - no)), isCounted: true };
}

/** The row with the user's own settings, unless it has later ones. */
export const settingsRow = <B>(row: Row<B>, { muted, at }: KeptSettings): Row<B> =>
  at <= row.settingsAt ? row : { ...row, muted, settingsAt: at };

/** The row after the user has left at `seq`, unless they are back since. */
export const leftRow = <B>(row: Row<B>, seq: number): Row<B> =>
  row.head > seq || !row.isMember ? row : { ...row, isMember: false };

/** What a page of the newest events says of the row. The row must know nothing beyond the page's head. */
export function lookedUpRow<B>(row: Row<B>, { head, last, newest }: LookedUp<B>): Row<B> {
  const isHead = newest?.seq === row.head;
  return {
    ...row,
    last: last === undefined || (row.last?.seq ?? 0) > last.seq ? row.last : last,
    lastAt: later(row.lastAt, head),
    no: row.no ?? (isHead ? newest.no : undefined),
    activeAt: isHead ? newest.ts : row.activeAt,
  };
}

export interface LookedUp<B> {
  /** The head as of the page. */
  readonly head: number;
  readonly newest: ConversationEvent<B> | undefined;
  /** The latest line, in its form as of the page. */
  readonly last: LineEvent<B> | undefined;
}
