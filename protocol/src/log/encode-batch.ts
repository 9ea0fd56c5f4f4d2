import { encodeText, utf8Bytes } from "../bus/wire.ts";
import type { Batch, LogRecord } from "./record.ts";

/** What stands around the records of a batch, at most: an owner's id of 16 characters and four numbers. */
export const ENVELOPE_BYTES_MAX = 256;

/** A record as it will stand in the log: encoded once, measured, and put into its batch as it is. */
export interface EncodedRecord {
  readonly text: string;
  /** With the comma behind it. */
  readonly bytes: number;
}

export function encodeRecord(record: LogRecord): EncodedRecord {
  const text = JSON.stringify(record);
  return { text, bytes: utf8Bytes(text) + 1 };
}

/** The same bytes as `encodeInner` of the whole batch, from records that are encoded already. */
export function encodeBatch(head: Omit<Batch, "records">, texts: readonly string[]): Uint8Array {
  const envelope = JSON.stringify({ ...head, records: [] });
  return encodeText(`${envelope.slice(0, -"]}".length)}${texts.join(",")}]}`);
}
