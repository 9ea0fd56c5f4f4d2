import type { LogRecord } from "@jichat/protocol/log/record.ts";

/** On V8's heap, about, as `tail-bytes.test.ts` measures it: rather too much than too little. */
export const BATCH_BYTES = 200;
/** A conversation that was not in its run, and a user whose memberships were not. */
export const CONVERSATION_BYTES = 120;
export const USER_BYTES = 170;
/** One more conversation of such a user. */
export const MEMBERSHIP_BYTES = 32;
const EVENT_BYTES = 400;
const NOTE_BYTES = 280;
/** A text of its own in a list. */
const TEXT_BYTES = 32;

export function recordBytes(record: LogRecord): number {
  if (record.r !== "event") return NOTE_BYTES;
  const { body = "", name = "", trace = "" } = record;
  return (
    EVENT_BYTES +
    2 * (body.length + name.length + trace.length) +
    textsBytes(record.users) +
    textsBytes(record.mentions)
  );
}

function textsBytes(texts: readonly string[] | undefined): number {
  let bytes = 0;
  for (const { length } of texts ?? []) bytes += TEXT_BYTES + length;
  return bytes;
}
