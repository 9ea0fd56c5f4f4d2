import type { DeliveredEvent } from "@jichat/protocol/bus/delivery.ts";
import type { Notice } from "@jichat/protocol/bus/notice.ts";
import type { ListEntry } from "@jichat/protocol/bus/query.ts";
import type { StoredHead } from "@jichat/presence/presence-texts.ts";
import { facetsLength, isWhole } from "@jichat/presence/presence-texts.ts";
import { Notices } from "./notices.ts";

/** An event and its recipients: the members at that moment, and the users whom it removed. */
export interface EventEffect {
  readonly conversation: string;
  readonly seq: number;
  /** The author of a message. The other recipients may be told by push. */
  readonly author: string | undefined;
  /** The name of the group at that moment, for a push. */
  readonly name: string | undefined;
  readonly delivered: Omit<DeliveredEvent, "users">;
  /** All events of a conversation between two changes of its members share one array. */
  readonly recipients: readonly string[];
}

/** Folded events. Each of `recipients` who is online is told to pull up to `head`. */
export interface GapEffect {
  readonly head: number;
  readonly recipients: readonly string[];
}

export interface EntryEffect {
  readonly user: string;
  readonly entry: ListEntry;
  /** The user has read, or has sent, up to the entry's mark. */
  readonly isRead: boolean;
}

/**
 * The effects of one or several batches outside the log. Idempotent. Units are merged while effects lag
 * (`backlog.ts`). Change its maps only through the functions below, which maintain `bytes`.
 */
export interface EffectUnit {
  position: number;
  events: EventEffect[];
  /** Notices, which are shed first. */
  readonly notices: Notices;
  /** The latest head per conversation, or its brief if the head was dropped. */
  readonly heads: Map<string, StoredHead>;
  /** The latest entry per user and conversation. */
  readonly entries: Map<string, EntryEffect>;
  readonly gaps: Map<string, GapEffect>;
  /** Users whose entries were dropped. Their lists in Redis lack these, and have to be rebuilt. */
  readonly unsure: Set<string>;
  /** Users whose entries or gaps were dropped. Their devices are told to sync. */
  readonly toSync: Set<string>;
  /** Even the names were too many: all data in Redis has to be treated as lost. */
  isLost: boolean;
  /** Messages that the push queue is not told of, since their events were dropped. `takeUnpushed` counts them. */
  unpushed: number;
  /** Lists of recipients that are counted in `bytes` already, since events share them. */
  readonly audiences: Set<readonly string[]>;
  /** Approximate bytes of memory that it holds. */
  bytes: number;
}

export const emptyUnit = (position: number): EffectUnit => ({
  position,
  events: [],
  notices: new Notices(),
  heads: new Map(),
  entries: new Map(),
  gaps: new Map(),
  unsure: new Set(),
  toSync: new Set(),
  isLost: false,
  unpushed: 0,
  audiences: new Set(),
  bytes: 0,
});

export function putEvent(unit: EffectUnit, event: EventEffect): void {
  unit.events.push(event);
  unit.bytes += eventBytes(event);
  countAudience(unit, event.recipients);
}

export function putNotice(unit: EffectUnit, notice: Notice): void {
  const before = unit.notices.bytes;
  unit.notices.put(notice);
  unit.bytes += unit.notices.bytes - before;
}

/** Adds the notices of a later unit, and the count of those that it shed. */
export function putNotices(unit: EffectUnit, later: Notices): void {
  const before = unit.notices.bytes;
  unit.notices.putAll(later);
  unit.bytes += unit.notices.bytes - before;
}

/** Sheds notices until these hold no more than `bytesMax`. */
export function shedNotices(unit: EffectUnit, bytesMax: number): void {
  const before = unit.notices.bytes;
  unit.notices.shed(bytesMax);
  unit.bytes += unit.notices.bytes - before;
}

export function putHead(unit: EffectUnit, head: StoredHead): void {
  const known = unit.heads.get(head.conversation);
  unit.bytes += headBytes(head) - (known === undefined ? 0 : headBytes(known));
  unit.heads.set(head.conversation, head);
}

/** Nothing is kept for a user who is unsure: the whole list is read again. */
export function putEntry(unit: EffectUnit, effect: EntryEffect): void {
  const { user, entry, isRead } = effect;
  if (unit.unsure.has(user)) return;
  const key = `${user} ${entry.conversation}`;
  const known = unit.entries.get(key);
  if (known === undefined) unit.bytes += entryBytes(key);
  unit.entries.set(key, !isRead && known?.isRead === true ? { user, entry, isRead: true } : effect);
}

/** Drops all events, whose messages are then unknown to the push queue. */
export function dropEvents(unit: EffectUnit): void {
  for (const { author } of unit.events) if (author !== undefined) unit.unpushed += 1;
  unit.events = [];
}

/** How many messages were dropped since the last call. */
export function takeUnpushed(unit: EffectUnit): number {
  const { unpushed } = unit;
  unit.unpushed = 0;
  return unpushed;
}

export function putGap(unit: EffectUnit, conversation: string, gap: GapEffect): void {
  if (!unit.gaps.has(conversation)) unit.bytes += GAP_BYTES;
  unit.gaps.set(conversation, gap);
  countAudience(unit, gap.recipients);
}

export function putUnsure(unit: EffectUnit, user: string): void {
  if (!unit.unsure.has(user)) unit.bytes += NAME_BYTES;
  unit.unsure.add(user);
  putToSync(unit, user);
}

export function putToSync(unit: EffectUnit, user: string): void {
  if (!unit.toSync.has(user)) unit.bytes += NAME_BYTES;
  unit.toSync.add(user);
}

function countAudience(unit: EffectUnit, recipients: readonly string[]): void {
  if (unit.audiences.has(recipients)) return;
  unit.audiences.add(recipients);
  unit.bytes += AUDIENCE_BYTES + RECIPIENT_BYTES * recipients.length;
}

/** Computes `bytes` again after something was removed. */
export function recount(unit: EffectUnit): void {
  const { events, notices, heads, entries, gaps, audiences } = unit;
  audiences.clear();
  unit.bytes = notices.bytes + GAP_BYTES * gaps.size + NAME_BYTES * (unit.unsure.size + unit.toSync.size);
  for (const event of events) unit.bytes += eventBytes(event);
  for (const head of heads.values()) unit.bytes += headBytes(head);
  for (const key of entries.keys()) unit.bytes += entryBytes(key);
  for (const { recipients } of [...events, ...gaps.values()]) countAudience(unit, recipients);
}

/** Bytes on V8's heap, without the content of texts. Measured by `effect-bytes.test.ts` and rounded up. */
const EVENT_BYTES = 500;
const HEAD_BYTES = 600;
const ENTRY_BYTES = 200;
const BRIEF_BYTES = 200;
export const GAP_BYTES = 150;
/** A user's name in a set. */
const NAME_BYTES = 90;
const AUDIENCE_BYTES = 100;
/** Per recipient. The names belong to this list alone once the conversation is cold. */
const RECIPIENT_BYTES = 60;

const eventBytes = ({ delivered }: EventEffect): number => EVENT_BYTES + 2 * delivered.frame.length;

const entryBytes = (key: string): number => ENTRY_BYTES + 2 * key.length;

function headBytes(head: StoredHead): number {
  if (!isWhole(head)) return BRIEF_BYTES;
  const { last, name } = head;
  const texts = (last?.body?.length ?? 0) + (name?.length ?? 0) + facetsLength(head);
  return HEAD_BYTES + 2 * texts + usersBytes(last ?? {});
}

/** Bytes of the users' names that belong to a record alone. */
export const usersBytes = (record: {
  readonly users?: readonly string[] | undefined;
  readonly mentions?: readonly string[] | undefined;
}): number => RECIPIENT_BYTES * ((record.users?.length ?? 0) + (record.mentions?.length ?? 0));

/** All users whose sessions this unit needs to know. */
export function usersOf(unit: EffectUnit): string[] {
  const users = new Set<string>();
  for (const recipients of new Set(unit.events.map((event) => event.recipients)))
    for (const user of recipients) users.add(user);
  for (const { recipients } of unit.gaps.values()) for (const user of recipients) users.add(user);
  for (const notice of unit.notices) for (const user of notice.users) users.add(user);
  for (const user of unit.toSync) users.add(user);
  return [...users];
}
