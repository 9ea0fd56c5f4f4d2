import { encodeInner } from "./wire.ts";

/** An event that went past somebody who is away. */
export interface MissedEntry {
  readonly user: string;
  readonly conversation: string;
  readonly seq: number;
}

/** For a push service: what the effects of one position went past. */
export interface MissedBatch {
  readonly v: 1;
  readonly position: number;
  readonly missed: readonly MissedEntry[];
}

export const encodeMissed = (batch: MissedBatch): Uint8Array => encodeInner(batch);
