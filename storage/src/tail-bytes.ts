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

/** Whatever stands in a log: what is not a text, or not a list of them, counts for nothing. */
export function recordBytes(record: LogRecord): number {
  if (record.r !== "event") return NOTE_BYTES;
  const { body, name, trace, users, mentions } = record;
  const texts = 2 * (lengthOf(body) + lengthOf(name) + lengthOf(trace));
  return EVENT_BYTES + texts + textsBytes(users) + textsBytes(mentions);
}

const lengthOf = (text: unknown): number => (typeof text === "string" ? text.length : 0);

function textsBytes(texts: unknown): number {
  let bytes = 0;
  for (const text of Array.isArray(texts) ? texts : []) bytes += TEXT_BYTES + lengthOf(text);
  return bytes;
}
