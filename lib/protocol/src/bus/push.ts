import { encodeInner } from "./wire.ts";

/** An event that a user missed because the user was away. */
export interface MissedEntry {
  readonly user: string;
  readonly conversation: string;
  readonly seq: number;
}

/** Input of a push service: the events up to one position that users missed. */
export interface MissedBatch {
  readonly v: 1;
  readonly position: number;
  readonly missed: readonly MissedEntry[];
}

export const encodeMissed = (batch: MissedBatch): Uint8Array => encodeInner(batch);
