import type { InnerEvent } from "../frame/server-frame.ts";

/** What the log holds. Compact names: a record is written once, read by every owner, and stored for hours. */
export type LogRecord = EventRecord | MarkRecord | NoteRecord;

/** Something that happened in a conversation, numbered. `users` of `created` are all members at birth. */
export interface EventRecord extends InnerEvent {
  readonly r: "event";
  readonly device: string;
  readonly session: string;
  /** Every event has its client's id but the `created` that a first 1-1 message brings about. */
  readonly trace?: string | undefined;
}

/** A read mark that moved; the latest wins. */
export interface MarkRecord {
  readonly r: "mark";
  readonly conversation: string;
  readonly user: string;
  readonly seq: number;
  readonly no: number;
  readonly session: string;
}

/** A write that changed nothing: its id is remembered with the seq it was acked with. */
export interface NoteRecord {
  readonly r: "note";
  readonly conversation: string;
  readonly user: string;
  readonly id: string;
  readonly seq: number;
  readonly ts: number;
}

/** One append: many conversations' records, one JetStream message. */
export interface Batch {
  readonly v: 1;
  /** The owner's random id for this reign: with `number` it tells whose batch stands at a position. */
  readonly owner: string;
  readonly number: number;
  /** True on an owner's first append: from here on JetStream refuses every older owner. */
  readonly epoch?: true | undefined;
  /** Effects of every batch up to this position were done when this one was written. */
  readonly done: number;
  readonly ts: number;
  readonly records: readonly LogRecord[];
}
