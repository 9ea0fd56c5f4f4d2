import type { LogRecord } from "@jichat/protocol/log/record.ts";

/**
 * Approximate sizes on V8's heap, as `tail-bytes.test.ts` measures them. They are rather too high than too
 * low.
 */
export const BATCH_BYTES = 200;
/** A conversation that is new in its run, and a user who is new in it. */
export const CONVERSATION_BYTES = 120;
export const USER_BYTES = 170;
/** Each conversation of such a user. */
export const MEMBERSHIP_BYTES = 32;
const EVENT_BYTES = 400;
const NOTE_BYTES = 280;
/** Overhead of a string in a list. */
const TEXT_BYTES = 32;

/** Estimates a record's memory. A log may hold anything, so a field of another type counts as 0. */
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
