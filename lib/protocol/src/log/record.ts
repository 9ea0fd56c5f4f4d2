import type { InnerEvent, OwnSettings } from "../frame/server-frame.ts";

/**
 * A record of the log. Its names are short: it is written once, read by every owner, and stored for hours.
 */
export type LogRecord = EventRecord | MarkRecord | NoteRecord | SettingRecord;

/**
 * A numbered event of a conversation. `users` of `created` are all members at birth. Every event has its
 * client's `id`, except the `created` that comes with a first 1-1 message.
 */
export interface EventRecord extends InnerEvent {
  readonly r: "event";
  readonly device: string;
  readonly session: string;
  readonly trace?: string | undefined;
}

/** A read mark that moved. The latest record wins. */
export interface MarkRecord {
  readonly r: "mark";
  readonly conversation: string;
  readonly user: string;
  readonly seq: number;
  readonly no: number;
  readonly session: string;
}

/** A write that changed nothing. Its id is remembered with the seq in its ack. */
export interface NoteRecord {
  readonly r: "note";
  readonly conversation: string;
  readonly user: string;
  readonly id: string;
  readonly seq: number;
  readonly ts: number;
}

/**
 * A member's own settings, all of them, as they are from here on. The latest record wins. Like a note it has
 * no place of its own: its `seq` is the head that its ack names. It ends with the membership: one that is
 * older than the member's `first` does not count. Written from level 2 on.
 */
export interface SettingRecord {
  readonly r: "setting";
  readonly conversation: string;
  readonly user: string;
  readonly id: string;
  readonly seq: number;
  readonly ts: number;
  /** Absent if all settings are as they were at the beginning. */
  readonly settings?: OwnSettings | undefined;
}

/** One append to the log: records of many conversations in one JetStream message. */
export interface Batch {
  readonly v: 1;
  /** The owner's random id for this reign. Together with `number` it identifies the batch at a position. */
  readonly owner: string;
  readonly number: number;
  /** True on an owner's first append: from here on JetStream refuses every older owner. */
  readonly epoch?: true | undefined;
  /** When this batch was written, the effects of every batch up to this position were done. */
  readonly done: number;
  readonly ts: number;
  readonly records: readonly LogRecord[];
}
