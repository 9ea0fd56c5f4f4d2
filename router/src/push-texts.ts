import type { QueuedMessage } from "@jichat/protocol/bus/push.ts";
import { encodePushTexts } from "@jichat/protocol/bus/push.ts";
import { utf8Bytes } from "@jichat/protocol/utf8-bytes.ts";
import type { PushEntry } from "./push-entries.ts";

/**
 * Most bytes of one message of the push queue. A worker holds up to a thousand of them, so this is far below
 * what NATS accepts.
 */
export const PUSH_MESSAGE_BYTES_MAX = 65_536;
/** Bytes around the entries of a message. */
const WRAPPING_BYTES = 32;
/** Bytes of an empty list of mentions with its key. */
const MENTIONS_BYTES = 16;

/** An entry in JSON. */
export interface PushText {
  readonly text: string;
  readonly bytes: number;
}

const textOf = (entry: PushEntry): PushText => {
  const text = JSON.stringify(entry);
  return { text, bytes: utf8Bytes(text) };
};

/**
 * Encodes an entry so that each text has at most `bytesMax`. A message to more recipients than fit becomes
 * several entries, each with a part of them.
 */
export function textsOf(entry: PushEntry, bytesMax: number): readonly PushText[] {
  const whole = textOf(entry);
  if (whole.bytes <= bytesMax || entry.is === "read") return [whole];
  return partsOf(entry, bytesMax).map((part) => textOf(part));
}

/** Each part has at least one recipient, and all other fields: these have a few kilobytes at most. */
function partsOf(message: QueuedMessage, bytesMax: number): readonly QueuedMessage[] {
  const { mentions = [], ...rest } = message;
  const mentioned = new Set(mentions);
  const kept = textOf({ ...rest, to: [] }).bytes + (mentions.length === 0 ? 0 : MENTIONS_BYTES);
  const room = bytesMax - kept;
  const parts: QueuedMessage[] = [];
  let to: string[] = [];
  let left = room;
  const end = (): void => {
    const named = to.filter((user) => mentioned.has(user));
    parts.push({ ...rest, ...(named.length === 0 ? {} : { mentions: named }), to });
    to = [];
    left = room;
  };
  for (const user of message.to) {
    const cost = (utf8Bytes(user) + 3) * (mentioned.has(user) ? 2 : 1); // Two quotes and a comma.
    if (to.length > 0 && cost > left) end();
    to.push(user);
    left -= cost;
  }
  end();
  return parts;
}

/** Packs texts into messages of at most `bytesMax` each, in order. A larger text gets a message of its own. */
export function packed(texts: readonly PushText[], bytesMax: number): readonly Uint8Array[] {
  const messages: Uint8Array[] = [];
  let part: string[] = [];
  let bytes = WRAPPING_BYTES;
  for (const text of texts) {
    if (part.length > 0 && bytes + text.bytes + 1 > bytesMax) {
      messages.push(encodePushTexts(part));
      part = [];
      bytes = WRAPPING_BYTES;
    }
    part.push(text.text);
    bytes += text.bytes + 1;
  }
  if (part.length > 0) messages.push(encodePushTexts(part));
  return messages;
}

/** Most bytes of one entry where a message has at most `bytesMax`. */
export const entryBytesMax = (bytesMax: number): number => bytesMax - WRAPPING_BYTES - 1;
