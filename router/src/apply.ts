import { invariant } from "@jichat/protocol/assert.ts";
import { isDirect } from "@jichat/protocol/ids.ts";
import type { EventRecord, LogRecord } from "@jichat/protocol/log/record.ts";
import type { Conversation, Member } from "./conversation.ts";

/**
 * Moves a conversation over one record: the same code when it was just decided and when it is replayed.
 * Asserts that events come without a hole; a violation must end this reign, not be papered over.
 */
export function apply(conversation: Conversation, record: LogRecord, position: number): void {
  switch (record.r) {
    case "mark":
      return moveMark(conversation, record.user, record.seq, record.no);
    case "note":
      return conversation.recent.addId(record.user, record.id, { seq: record.seq, ts: record.ts, position });
    case "event":
      return applyEvent(conversation, record, position);
  }
}

function moveMark(conversation: Conversation, user: string, seq: number, no: number): void {
  const member = conversation.members.get(user);
  if (member === undefined || seq <= member.mark) return;
  member.mark = seq;
  member.markNo = no;
}

function applyEvent(conversation: Conversation, record: EventRecord, position: number): void {
  invariant(record.seq === conversation.head + 1, `seq ${record.seq} follows ${conversation.head}`);
  invariant(record.ts >= conversation.ts, "time never falls along seq");
  conversation.head = record.seq;
  conversation.no = record.no;
  conversation.ts = record.ts;
  conversation.position = position;
  conversation.recent.addEvent(record, record.id, position);
  applyKind(conversation, record);
}

function applyKind(conversation: Conversation, record: EventRecord): void {
  switch (record.kind) {
    case "created":
      conversation.kind = isDirect(conversation.id) ? "direct" : "group";
      conversation.creator = record.from;
      conversation.name = record.name;
      conversation.members = joined(new Map(), record);
      break;
    case "joined":
      conversation.members = joined(conversation.members, record);
      break;
    case "left": {
      const gone = new Set(record.users);
      conversation.members = new Map([...conversation.members].filter(([user]) => !gone.has(user)));
      break;
    }
    case "renamed":
      conversation.name = record.name;
      break;
    case "message":
      moveMark(conversation, record.from, record.seq, record.no);
      break;
    case "recalled":
      conversation.recent.recall(record.target ?? 0);
      break;
    case "edited":
    case "lost":
      break;
  }
}

function joined(members: ReadonlyMap<string, Member>, record: EventRecord): ReadonlyMap<string, Member> {
  const next = new Map(members);
  for (const user of record.users ?? [])
    next.set(user, { first: record.seq, mark: record.seq, markNo: record.no });
  return next;
}
