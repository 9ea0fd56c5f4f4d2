import { decodeInner, encodeInner, encodeText } from "./wire.ts";

/** A message that people who are away may have to hear of. */
export interface QueuedMessage {
  readonly is: "message";
  readonly conversation: string;
  readonly seq: number;
  /** The message's number among the messages of its conversation, which unread counts are made of. */
  readonly no: number;
  readonly from: string;
  /** Milliseconds since 1970, by the owner's clock. */
  readonly ts: number;
  /**
   * Those of `to` whom it mentions. If it stands for earlier messages of its sender too, those whom they
   * mention are among them.
   */
  readonly mentions?: readonly string[] | undefined;
  /** The first `PREVIEW_CHARS_MAX` characters of the body's `text`. Absent if it has none. */
  readonly preview?: string | undefined;
  /** The name of a group. Absent in a 1-1 conversation and in a group without a name. */
  readonly name?: string | undefined;
  readonly isDirect?: true | undefined;
  /** Number of members, those who are not in `to` too. */
  readonly members: number;
  /** W3C trace context of the message. */
  readonly trace?: string | undefined;
  /** Members who may have to be told. Never the author. */
  readonly to: readonly string[];
  /** This device of the one user in `to` may have lost the message on a half-open connection. */
  readonly device?: string | undefined;
}

/** A user has read a conversation: what was shown of it up to there can be withdrawn. */
export interface QueuedRead {
  readonly is: "read";
  readonly conversation: string;
  readonly user: string;
  readonly seq: number;
  readonly no: number;
}

/**
 * A device's connection ended without a sign of life after it was written to. What came after `since`
 * (milliseconds since 1970, by the cluster's clock) may not have arrived.
 */
export interface QueuedReport {
  readonly is: "report";
  readonly user: string;
  readonly device: string;
  readonly since: number;
}

export type QueuedPush = QueuedMessage | QueuedRead | QueuedReport;

/**
 * One message of the push queue. An entry may come twice, also cut differently. Entries of a conversation
 * come in rising `seq`, unless one is told again, or was held back since its sender was over the limit.
 */
export interface PushEntries {
  readonly v: 1;
  readonly entries: readonly QueuedPush[];
}

/** Longest preview, in UTF-16 code units. */
export const PREVIEW_CHARS_MAX = 200;

/** The beginning of a body's `text`, as notifications show it; "" if there is none. */
export function previewOf(text: unknown): string {
  if (typeof text !== "string") return "";
  const cut = text.slice(0, PREVIEW_CHARS_MAX);
  // Half a character at its end is none.
  return text.length > cut.length ? cut.replace(/[\ud800-\udbff]$/, "") : cut;
}

export const encodePushEntries = (entries: readonly QueuedPush[]): Uint8Array =>
  encodeInner<PushEntries>({ v: 1, entries });

/** Entries that are encoded already, each as JSON: who measures them need not encode them twice. */
export const encodePushTexts = (texts: readonly string[]): Uint8Array =>
  encodeText(`{"v":1,"entries":[${texts.join(",")}]}`);

/**
 * Reads a message of the push queue. Messages of level 0 and 1 (`{position, missed}`), which nobody has ever
 * read, have no entries. Throws INTERNAL if it is not readable.
 */
export const decodePushEntries = (bytes: Uint8Array): readonly QueuedPush[] =>
  decodeInner<Partial<PushEntries> & { v: 1 }>(bytes, "an entry of the push queue").entries ?? [];
