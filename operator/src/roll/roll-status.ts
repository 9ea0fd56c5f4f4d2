import type { Roll } from "./next-server.ts";

/** A roll that stands still for this long needs a person. */
const HELD_MS = 5 * 60_000;

/** A server that restarts is back by then, even with much to read. */
const BACK_MS = 60_000;

/** Whether the roll explains that a server is missing: one restarts at a time, and is back soon. */
export const missesServer = (roll: Roll | undefined): boolean =>
  roll?.does === "restarts" || (roll?.does === "waits" && roll.heldMs < BACK_MS);

/** Where the roll is, for people; empty if none goes on. */
export function rollTold(roll: Roll | undefined): readonly string[] {
  if (roll === undefined || roll.does === "nothing") return [];
  return roll.does === "restarts"
    ? [`${roll.pod} restarts: ${roll.why}`]
    : [`the next nats-server restarts when it may: ${roll.why}`];
}

/** Why a roll has stood still for long; undefined if it has not. */
export function rollHeld(roll: Roll | undefined): string | undefined {
  if (roll?.does !== "waits" || roll.heldMs < HELD_MS) return undefined;
  return `the roll of the nats-servers stands still, and no server is restarted: ${roll.why}`;
}
