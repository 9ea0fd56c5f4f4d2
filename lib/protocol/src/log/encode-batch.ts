import { decodeInner, encodeInner, encodeText } from "../bus/wire.ts";
import { utf8Bytes } from "../utf8-bytes.ts";
import type { Batch, LogRecord } from "./record.ts";

/** Most bytes of a batch without its records: an owner's id of 16 characters and four numbers. */
export const ENVELOPE_BYTES_MAX = 256;

/** A record in the form of the log. It is encoded once, measured, and put into its batch unchanged. */
export interface EncodedRecord {
  readonly text: string;
  /** Includes the comma after the record. */
  readonly bytes: number;
}

export function encodeRecord(record: LogRecord): EncodedRecord {
  const text = JSON.stringify(record);
  return { text, bytes: utf8Bytes(text) + 1 };
}

/** Bytes of the keys, numbers and punctuation of any record. */
const RECORD_FRAME_BYTES = 384;
/**
 * Most bytes of one UTF-16 unit, reached by an escape such as `\u0001`. Unescaped it takes at most three
 * bytes.
 */
const UNIT_BYTES_MAX = 6;

/**
 * An upper bound of the bytes that `encodeRecord` measures, at much lower cost. It suffices if a batch has
 * room to spare.
 */
export function recordBytesMax(record: LogRecord): number {
  // Ids of users, devices, sessions and conversations are plain (`isId`); a client's own id need not be.
  const plain = RECORD_FRAME_BYTES + record.conversation.length;
  if (record.r === "mark") return plain + record.user.length + record.session.length;
  if (record.r !== "event") return plain + record.user.length + UNIT_BYTES_MAX * record.id.length;
  const {
    from,
    device,
    session,
    trace = "",
    id = "",
    name = "",
    body = "",
    users = [],
    mentions = [],
  } = record;
  let bytes = plain + from.length + device.length + session.length + trace.length;
  bytes += UNIT_BYTES_MAX * (id.length + name.length + body.length);
  for (const user of users) bytes += user.length + 3;
  for (const user of mentions) bytes += user.length + 3;
  return bytes;
}

/** Encodes a batch. `texts` are its records if they are encoded already; the bytes are the same. */
export function encodeBatch(batch: Batch, texts?: readonly string[]): Uint8Array {
  if (texts === undefined) return encodeInner(batch);
  const envelope = JSON.stringify({ ...batch, records: [] });
  return encodeText(`${envelope.slice(0, -"]}".length)}${texts.join(",")}]}`);
}

/** Throws INTERNAL if the bytes are not readable, or of another version. */
export const decodeBatch = (bytes: Uint8Array): Batch => decodeInner<Batch>(bytes, "a batch of the log");
