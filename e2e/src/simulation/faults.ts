import type { Dice } from "@jichat/protocol/dice.ts";

const LEASE_MOVES = ["crash", "stall", "steal", "clean"] as const;
/** Faults that only tests which name them have, so that a seed is what it was before there were any. */
const NAMED = ["cut"] as const;
const FAULTS = [
  ...LEASE_MOVES,
  "connector",
  "redis",
  "pause",
  "flush",
  "storage",
  "lag",
  "drop",
  "vanish",
  "outage",
  "move",
  "stuck",
  "haste",
] as const;
export type LeaseMove = (typeof LEASE_MOVES | typeof NAMED)[number];
export type FaultKind = (typeof FAULTS | typeof NAMED)[number];

/**
 * Each seed has only a few kinds of faults, and more of each (swarm testing, Groce et al. 2012). A case such
 * as three losses of Redis during one stalled router is too rare if everything happens a little.
 */
export function someOf(dice: Dice): readonly FaultKind[] {
  const some = FAULTS.filter(() => dice.chance(0.4));
  return some.length === 0 ? FAULTS : some;
}
