import { hashOf } from "./hash.ts";

/** Entries are few: one for each object of which the API server made something else than was written. */
const REMEMBERED_MAX = 10_000;

/** As much of `observed` as `wanted` speaks of. */
function restricted(observed: unknown, wanted: unknown): unknown {
  if (Array.isArray(observed) && Array.isArray(wanted))
    return observed.map((item, index) => restricted(item, wanted[index]));
  if (typeof observed !== "object" || observed === null) return observed;
  if (typeof wanted !== "object" || wanted === null) return observed;
  return Object.fromEntries(
    Object.keys(wanted).map((key) => [
      key,
      restricted((observed as Record<string, unknown>)[key], (wanted as Record<string, unknown>)[key]),
    ]),
  );
}

/**
 * What stood right after an input was applied, where that is not what was written: an empty `value` is left
 * out, a webhook has its own idea. While it stands nobody has changed anything, and nothing is written.
 */
export class Normalised {
  readonly #stood = new Map<string, string>();

  /** Told what the API server answered to an apply, and whether every wanted field holds in it. */
  remember(id: string, answered: unknown, wanted: unknown, isHeld: boolean): void {
    this.#stood.delete(id);
    if (isHeld) return;
    const [oldest] = this.#stood.keys();
    if (this.#stood.size >= REMEMBERED_MAX && oldest !== undefined) this.#stood.delete(oldest);
    this.#stood.set(id, hashOf([restricted(answered, wanted), wanted]));
  }

  stands(id: string, observed: unknown, wanted: unknown): boolean {
    const stood = this.#stood.get(id);
    return stood !== undefined && stood === hashOf([restricted(observed, wanted), wanted]);
  }
}
