import type { Dice } from "@jichat/protocol/dice.ts";
import type { Time } from "./world.ts";

/** The sources of an id's uniqueness and time. */
export interface IdParts {
  readonly dice: Pick<Dice, "chance">;
  readonly time: Pick<Time, "now">;
  nextId(): string;
}

/**
 * The padding of a body. Some bodies are heavy, with characters that need more bytes inside the cluster. A
 * few exceed what a log accepts.
 */
export function paddingOf(id: string): string {
  const number = Number.parseInt(id.slice(-4), 16);
  if (number % 37 === 0) return `,"pad":"${'\\"'.repeat(1_400)}"`;
  return number % 5 === 0 ? `,"pad":"${"\\u0001".repeat(100)}"` : "";
}

/** An id by a clock that is `skewMs` ahead. Some ids have no time. */
export function idAt(sim: IdParts, skewMs: number): string {
  if (sim.dice.chance(0.15)) return `plain-${sim.nextId()}`;
  const time = Math.floor(sim.time.now + skewMs)
    .toString(16)
    .padStart(12, "0");
  const tail = sim.nextId().padStart(12, "0").slice(-12);
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${tail}`;
}
