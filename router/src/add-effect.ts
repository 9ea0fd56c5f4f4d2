import type { HeadEntry } from "@jichat/protocol/bus/query.ts";
import { receiptOf } from "@jichat/protocol/bus/notice.ts";
import { jsonFrame } from "@jichat/protocol/frame/codec.ts";
import type { InnerEvent } from "@jichat/protocol/frame/server-frame.ts";
import type { EventRecord, LogRecord } from "@jichat/protocol/log/record.ts";
import { audienceOf } from "./audience.ts";
import type { Conversation, Member } from "./conversation.ts";
import type { EffectUnit } from "./effect-unit.ts";
import { putEntry, putEvent, putHead, putNotice } from "./effect-unit.ts";

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
    putNotice(unit, receiptOf({ conversation: conversation.id, user, seq, origin: session }));
    addEntry(unit, conversation, user, position);
    return;
  }
  const event = innerEventOf(record);
  const { seq, ts, session: origin, trace } = record;
  putHead(unit, headOf(conversation, event, position));
  for (const user of moved(record)) addEntry(unit, conversation, user, position, record);
  const frame = jsonFrame({ t: "event", ...event });
  putEvent(unit, {
    conversation: conversation.id,
    seq,
    author: record.kind === "message" ? record.from : undefined,
    delivered: { frame, ts, position, origin, trace },
    recipients: recipientsOf(conversation.members, record),
  });
}

/** Whose entry in their list this event changes. */
export function moved(record: EventRecord): readonly string[] {
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
    putEntry(unit, { user, entry: { ...where, first, mark, markNo } });
  } else if (record !== undefined) {
    putEntry(unit, { user, entry: { ...where, first: 0, mark: 0, markNo: 0, left: record.seq } });
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
