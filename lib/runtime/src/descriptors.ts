import { existsSync, readFileSync } from "node:fs";

const LIMITS = "/proc/self/limits";
/**
 * Descriptors reserved for backends, files and the admin port, which has to answer even when all clients
 * connect at once.
 */
const RESERVE = 256;

/**
 * Most connections that this process may accept with its limit of descriptors. Unlimited if the limit is not
 * known.
 */
export function connectionsMax(limits = existsSync(LIMITS) ? readFileSync(LIMITS, "utf8") : ""): number {
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  if (soft === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(Math.floor(Number(soft) / 2), Number(soft) - RESERVE);
}
