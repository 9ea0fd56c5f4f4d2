import { setTimeout as sleep } from "node:timers/promises";

/** What a look may find: nothing yet is `undefined` or `false`. */
type Look<T> = () => Promise<T | undefined | false> | T | undefined | false;

/**
 * Looks again and again, `everyMs` apart, and resolves with what is found. Rejects after `ms`, saying what did
 * not come about; whatever a look throws ends it at once.
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
