const LEAST_MS = 250;
const TICK_MS = 50;

/**
 * When a NOT_FOUND leaves whose frame came at `arrived`: as long after it for a conversation that is there and
 * not for this user as for one that is not, whatever it took to find out.
 */
export const notFoundLeavesAt = (arrived: number, now: number): number =>
  Math.ceil(Math.max(now, arrived + LEAST_MS) / TICK_MS) * TICK_MS;
