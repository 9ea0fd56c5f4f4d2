const LEAST_MS = 250;
const TICK_MS = 50;

/**
 * When to send a NOT_FOUND for a frame that arrived at `arrived` (monotonic ms): at least `LEAST_MS` later,
 * at a multiple of `TICK_MS`. So the delay does not reveal whether the conversation is missing or only hidden
 * from this user.
 */
export const notFoundLeavesAt = (arrived: number, now: number): number =>
  Math.ceil(Math.max(now, arrived + LEAST_MS) / TICK_MS) * TICK_MS;
