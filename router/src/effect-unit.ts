import type { DeliveredEvent, DeliveredMark } from "@jichat/protocol/bus/delivery.ts";
import type { HeadEntry, ListEntry } from "@jichat/protocol/bus/query.ts";
import type { InnerEvent } from "@jichat/protocol/frame/server-frame.ts";
import type { EventRecord, LogRecord } from "@jichat/protocol/log/record.ts";
import { jsonFrame } from "@jichat/protocol/frame/codec.ts";
import { audienceOf } from "./audience.ts";
import type { Conversation, Member } from "./conversation.ts";

/** An event and who is to have it: the members at that moment, and those whom it sent away. */
export interface EventEffect {
  readonly conversation: string;
  readonly seq: number;
  /** Of a message: those whom it does not reach are told by push, but not its author. */
  readonly author: string | undefined;
  readonly delivered: Omit<DeliveredEvent, "users">;
  /** One array for all events of a conversation between two changes of its members. */
  readonly recipients: readonly string[];
}

/** What one or several batches bring about outside the log. Idempotent; merged while the lane is behind. */
export interface EffectUnit {
  position: number;
  events: EventEffect[];
  marks: DeliveredMark[];
  /** Latest per conversation, and latest per user and conversation. */
  readonly heads: Map<string, HeadEntry>;
  readonly entries: Map<string, { readonly user: string; readonly entry: ListEntry }>;
  /** Folded events: whoever is online is told to pull up to `head`. */
  readonly gaps: Map<string, { readonly head: number; readonly recipients: readonly string[] }>;
}

export const emptyUnit = (position: number): EffectUnit => ({
  position,
  events: [],
  marks: [],
  heads: new Map(),
  entries: new Map(),
  gaps: new Map(),
});

/** Past this many events an effects lane is too far behind to deliver one by one. */
export const FOLD_EVENTS = 20_000;

/** Adds the effects of one record, `conversation` having been moved over it already. */
export function addEffect(
  unit: EffectUnit,
  conversation: Conversation,
  record: LogRecord,
  position: number,
): void {
  if (record.r === "note") return;
  if (record.r === "mark") {
    const { user, seq, session } = record;
    unit.marks.push({ conversation: conversation.id, user, seq, origin: session });
    addEntry(unit, conversation, user, position);
    return;
  }
  const event = innerEventOf(record);
  const { seq, ts, session: origin, trace } = record;
  unit.heads.set(conversation.id, headOf(conversation, event, position));
  for (const user of moved(record)) addEntry(unit, conversation, user, position, record);
  const frame = jsonFrame({ t: "event", ...event });
  unit.events.push({
    conversation: conversation.id,
    seq,
    author: record.kind === "message" ? record.from : undefined,
    delivered: { frame, ts, position, origin, trace },
    recipients: recipientsOf(conversation.members, record),
  });
}

/** Whose entry in their list this event changes. */
function moved(record: EventRecord): readonly string[] {
  switch (record.kind) {
    case "message":
      return [record.from];
    case "created":
    case "joined":
    case "left":
      return record.users ?? [];
    default:
      return [];
  }
}

function recipientsOf(members: ReadonlyMap<string, Member>, record: EventRecord): readonly string[] {
  const { users, since } = audienceOf(members);
  // An event that is redone may be older than some who are members by now.
  const staying =
    since <= record.seq ? users : users.filter((user) => (members.get(user)?.first ?? 0) <= record.seq);
  return record.kind === "left" ? [...staying, ...(record.users ?? [])] : staying;
}

function addEntry(
  unit: EffectUnit,
  conversation: Conversation,
  user: string,
  position: number,
  record?: EventRecord,
): void {
  const member = conversation.members.get(user);
  const where = { conversation: conversation.id, position };
  if (member !== undefined) {
    const { first, mark, markNo } = member;
    unit.entries.set(`${user} ${conversation.id}`, { user, entry: { ...where, first, mark, markNo } });
  } else if (record !== undefined) {
    unit.entries.set(`${user} ${conversation.id}`, {
      user,
      entry: { ...where, first: 0, mark: 0, markNo: 0, left: record.seq },
    });
  }
}

function headOf(conversation: Conversation, event: InnerEvent, position: number): HeadEntry {
  return {
    conversation: conversation.id,
    position,
    seq: event.seq,
    no: event.no,
    ts: event.ts,
    kind: conversation.kind,
    ...(conversation.name === undefined ? {} : { name: conversation.name }),
    ...(conversation.kind === "direct" ? { pair: [...conversation.members.keys()] } : {}),
    last: event,
  };
}

/** An event as clients see it: without what only the log needs. */
export function innerEventOf(record: EventRecord): InnerEvent {
  const { r: _, device: _device, session: _session, trace: _trace, ...event } = record;
  return event;
}

/** Puts `later` behind `unit`; folds when the two together are more than a lane may hold. */
export function merge(unit: EffectUnit, later: EffectUnit): void {
  unit.position = Math.max(unit.position, later.position);
  for (const event of later.events) unit.events.push(event);
  for (const mark of later.marks) unit.marks.push(mark);
  for (const [id, head] of later.heads) unit.heads.set(id, head);
  for (const [key, entry] of later.entries) unit.entries.set(key, entry);
  for (const [id, gap] of later.gaps) unit.gaps.set(id, gap);
  if (unit.events.length > FOLD_EVENTS) fold(unit);
}

/** Turns events into the one `gap` per conversation that makes every reader pull them. */
export function fold(unit: EffectUnit): void {
  for (const { conversation, seq, recipients } of unit.events) {
    const known = unit.gaps.get(conversation);
    const everybody =
      known === undefined || known.recipients === recipients
        ? recipients
        : [...new Set([...known.recipients, ...recipients])];
    unit.gaps.set(conversation, { head: seq, recipients: everybody });
  }
  unit.events = [];
  unit.marks = [];
}

/** Everybody whose sessions this unit needs to know. */
export function usersOf(unit: EffectUnit): string[] {
  const users = new Set<string>();
  for (const recipients of new Set(unit.events.map((event) => event.recipients)))
    for (const user of recipients) users.add(user);
  for (const { recipients } of unit.gaps.values()) for (const user of recipients) users.add(user);
  for (const { user } of unit.marks) users.add(user);
  return [...users];
}
