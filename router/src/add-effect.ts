import { eventOf } from "@jichat/conversation/event.ts";
import { NOBODY } from "@jichat/conversation/kind.ts";
import { kindOf } from "@jichat/conversation/tables.ts";
import type { HeadEntry } from "@jichat/protocol/bus/query.ts";
import { receiptOf, settingsNotice } from "@jichat/protocol/bus/notice.ts";
import { jsonFrame } from "@jichat/protocol/frame/codec.ts";
import type { InnerEvent } from "@jichat/protocol/frame/server-frame.ts";
import type { LogRecord } from "@jichat/protocol/log/record.ts";
import { audienceOf } from "./audience.ts";
import type { Conversation, Member } from "./conversation.ts";
import type { EffectUnit } from "./effect-unit.ts";
import { putEntry, putEvent, putHead, putNotice } from "./effect-unit.ts";

/** Adds the effects of one record. The record must already be applied to `conversation`. */
export function addEffect(
  unit: EffectUnit,
  conversation: Conversation,
  record: LogRecord,
  position: number,
): void {
  if (record.r === "note") return;
  if (record.r === "mark") {
    const { user, seq, session } = record;
    putNotice(unit, receiptOf({ conversation: conversation.id, user, seq, origin: session }));
    addEntry(unit, conversation, user, { position, isRead: true });
    return;
  }
  if (record.r === "setting") {
    const { user } = record;
    const settings = { ...record.settings, at: position };
    putNotice(unit, settingsNotice({ conversation: conversation.id, user, settings }));
    addEntry(unit, conversation, user, { position, isRead: false });
    return;
  }
  const event = eventOf(record);
  const kind = kindOf(event.kind);
  const { seq, ts, session: origin, trace } = record;
  putHead(unit, headOf(conversation, event, position));
  const isMessage = kind?.isMessage === true;
  const by = { position, leftAt: seq, isRead: isMessage };
  for (const user of kind?.lists?.(event) ?? NOBODY) addEntry(unit, conversation, user, by);
  const frame = jsonFrame({ t: "event", ...event });
  putEvent(unit, {
    conversation: conversation.id,
    seq,
    author: isMessage ? event.from : undefined,
    name: conversation.name,
    delivered: { frame, ts, position, origin, trace },
    recipients: recipientsOf(conversation.members, event, kind?.alsoTold?.(event)),
  });
}

function recipientsOf(
  members: ReadonlyMap<string, Member>,
  { seq }: InnerEvent,
  others: readonly string[] | undefined,
): readonly string[] {
  const { users, since } = audienceOf(members);
  // An event that is redone may be older than the membership of some present members.
  const staying = since <= seq ? users : users.filter((user) => (members.get(user)?.first ?? 0) <= seq);
  return others === undefined ? staying : [...staying, ...others];
}

/**
 * The position of the record that moved a user's entry, the seq with which a former member has left, and
 * whether the user has read.
 */
interface Moved {
  readonly position: number;
  readonly leftAt?: number;
  readonly isRead: boolean;
}

function addEntry(
  unit: EffectUnit,
  conversation: Conversation,
  user: string,
  { position, leftAt, isRead }: Moved,
): void {
  const member = conversation.members.get(user);
  const where = { conversation: conversation.id, position };
  if (member !== undefined) {
    const { first, mark, markNo, settings } = member;
    const own = settings === undefined ? {} : { settings };
    putEntry(unit, { user, entry: { ...where, first, mark, markNo, ...own }, isRead });
  } else if (leftAt !== undefined) {
    putEntry(unit, {
      user,
      entry: { ...where, first: 0, mark: 0, markNo: 0, left: leftAt },
      isRead: false,
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
    ...(Object.keys(conversation.facets).length === 0 ? {} : { facets: conversation.facets }),
    last: event,
  };
}
