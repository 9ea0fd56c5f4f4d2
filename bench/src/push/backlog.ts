import type { QueuedMessage } from "@jichat/protocol/bus/push.ts";
import type { Place } from "./places.ts";
import { messageTo } from "./places.ts";

/** Messages of one person in a row, to the same other person. Places have their turns one after the other. */
export const BURST = 10;
/** Of 20 bursts one is too old, and one is for somebody without a device. */
const [KINDS, OLD, UNREGISTERED] = [20, 7, 13];
const OLD_MS = 25 * 3_600_000;
const STRANGERS = 1_000;

export type BurstKind = "wanted" | "old" | "unregistered";

export function kindOf(burst: number): BurstKind {
  const kind = burst % KINDS;
  return kind === OLD ? "old" : kind === UNREGISTERED ? "unregistered" : "wanted";
}

/** Entry `index` of what has piled up in a push queue. Seqs of a conversation rise from `first` on. */
export function backlogEntry(
  index: number,
  { places, first, now }: { readonly places: readonly Place[]; readonly first: number; readonly now: number },
): { readonly partition: number; readonly entry: QueuedMessage; readonly kind: BurstKind } {
  const burst = Math.floor(index / BURST);
  const place = places[burst % places.length];
  if (place === undefined) throw new Error("there is nobody to push to");
  const kind = kindOf(burst);
  const round = Math.floor(burst / places.length);
  const seq = first + BURST * (2 * round + (burst % 2)) + (index % BURST);
  const to = kind === "unregistered" ? `stranger${burst % STRANGERS}` : place.to;
  const entry = messageTo({ ...place, to }, { seq, ts: kind === "old" ? now - OLD_MS : now });
  return { partition: place.partition, entry, kind };
}

/** The entry of what has piled up that has this seq in this conversation (counted from 0). */
export function backlogIndex(conversation: number, seq: number, places: number, first: number): number {
  const [turn, at] = [Math.floor((seq - first) / BURST), (seq - first) % BURST];
  return BURST * (Math.floor(turn / 2) * places + 2 * conversation + (turn % 2)) + at;
}
