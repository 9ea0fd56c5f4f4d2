/** Attempts at one push before it waits with those whose provider is down. */
export const ATTEMPTS_MAX = 4;
const FIRST_MS = 500;
const DELAY_MAX_MS = 30_000;

/**
 * Milliseconds until the next attempt after `failed` ones, with full jitter: evenly over the whole span, so
 * that those who failed together do not return together. At least `afterMs`, which the provider asked for.
 * `undefined` if no attempt is left, or if the provider asked for more time than an entry of the queue should
 * wait.
 */
export function delayAfter(failed: number, afterMs: number | undefined, random: number): number | undefined {
  if (failed >= ATTEMPTS_MAX) return undefined;
  const span = Math.min(DELAY_MAX_MS, FIRST_MS * 2 ** failed);
  const delay = Math.max(random * span, afterMs ?? 0);
  return delay > DELAY_MAX_MS ? undefined : delay;
}
