import { jsonFrame } from "../frame/codec.ts";

/**
 * What is told to live sessions and stored nowhere. It is best effort: it may be shed under load, and no gap
 * stands for it. Who missed it learns from the next `sync`, or from the next notice of the same key.
 */
export interface Notice {
  /** The frame in JSON: encoded once, by who tells it, for all who read it. */
  readonly frame: string;
  /** Whose sessions hear it. */
  readonly users: readonly string[];
  /** Of the sessions of `users`, the only one that hears it. Absent: all of them do. */
  readonly session?: string | undefined;
  /** The session that caused it, and never hears it. */
  readonly origin?: string | undefined;
  /** What it is about. Of the notices with one key only the one with the highest `order` counts. */
  readonly key: string;
  /** Rises with each notice of one key. */
  readonly order: number;
}

/** A read mark that moved, as level 0 of a cluster writes it on the bus. */
export interface DeliveredMark {
  readonly conversation: string;
  readonly user: string;
  readonly seq: number;
  readonly origin?: string | undefined;
}

/** Tells a user's other devices how far that user has read. A mark never moves back: its seq is the order. */
export const receiptOf = ({ conversation, user, seq, origin }: DeliveredMark): Notice => ({
  frame: jsonFrame({ t: "receipt", conversation, user, seq }),
  users: [user],
  origin,
  key: `receipt ${user} ${conversation}`,
  order: seq,
});

/** The read mark that a receipt tells; undefined of any other notice, which level 0 has no form for. */
export function markOf({ frame, origin }: Notice): DeliveredMark | undefined {
  const read = JSON.parse(frame) as { readonly t: string } & DeliveredMark;
  if (read.t !== "receipt") return undefined;
  const { conversation, user, seq } = read;
  return { conversation, user, seq, ...(origin === undefined ? {} : { origin }) };
}
