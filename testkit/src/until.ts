import { setTimeout as sleep } from "node:timers/promises";

/** A look that returns `undefined` or `false` has found nothing yet. */
type Look<T> = () => Promise<T | undefined | false> | T | undefined | false;

/**
 * Looks again every `everyMs`, and resolves with what is found. Rejects after `ms` with `what`. An error in a
 * look ends the wait at once.
 */
export async function until<T>(what: string, ms: number, look: Look<T>, everyMs = 100): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await sleep(everyMs);
  }
}
