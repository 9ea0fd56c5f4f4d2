import { hashOf } from "./hash.ts";

/** Entries are few: one for each object that the API server stored differently from what was written. */
const REMEMBERED_MAX = 10_000;

/** The part of `observed` for which `wanted` has fields. */
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
 * Remembers what the API server stored right after an apply, if it differs from what was written: it drops an
 * empty `value`, or a webhook changes a field. As long as an object still equals it, nobody has changed it,
 * and nothing is written.
 */
export class Normalised {
  readonly #stood = new Map<string, string>();

  /** Takes the API server's answer to an apply. `isHeld` says whether every wanted field holds in it. */
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
