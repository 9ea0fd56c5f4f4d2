import { existsSync, readFileSync } from "node:fs";

const LIMITS = "/proc/self/limits";
/** Kept back for backends, files and the admin port, which has to answer when everybody comes at once. */
const RESERVE = 256;

/** How many connections this process may accept with the descriptors that it has. */
export function connectionsMax(limits = existsSync(LIMITS) ? readFileSync(LIMITS, "utf8") : ""): number {
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  if (soft === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(Math.floor(Number(soft) / 2), Number(soft) - RESERVE);
}
