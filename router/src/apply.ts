import { kindOf } from "@jichat/conversation/tables.ts";
import { invariant } from "@jichat/protocol/assert.ts";
import type { EventRecord, LogRecord } from "@jichat/protocol/log/record.ts";
import type { Conversation } from "./conversation.ts";

/**
 * Applies one record to a conversation, both when it was just decided and when it is replayed. Asserts that
 * events come without a hole; a violation must end this reign, not be covered up.
 */
export function apply(conversation: Conversation, record: LogRecord, position: number): void {
  switch (record.r) {
    case "mark":
      conversation.mark(record.user, record);
      return;
    case "setting":
      conversation.set(record.user, record.settings, position);
      conversation.recent.addId(record.user, record.id, { seq: record.seq, ts: record.ts, position });
      return;
    case "note":
      conversation.recent.addId(record.user, record.id, { seq: record.seq, ts: record.ts, position });
      return;
    case "event":
      applyEvent(conversation, record, position);
  }
}

function applyEvent(conversation: Conversation, record: EventRecord, position: number): void {
  const { seq, no, ts } = record;
  invariant(seq === conversation.head + 1, `seq ${seq} follows ${conversation.head}`);
  invariant(ts >= conversation.ts, "time never falls along seq");
  conversation.head = seq;
  conversation.no = no;
  conversation.ts = ts;
  conversation.position = position;
  conversation.recent.addEvent(record, record.id, position);
  kindOf(record.kind)?.apply?.(conversation, record, { seq, no, position });
}
