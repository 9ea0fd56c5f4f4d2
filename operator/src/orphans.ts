import type { Clock } from "@jichat/protocol/clock.ts";

/** A free lease is taken within this time, even after the death of its owner. */
export const ORPHAN_MS = 10_000;

/**
 * Tracks the partitions that no router has, from pass to pass. A partition that is handed over has no router
 * for a moment.
 */
export class Orphans {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #since = new Map<string, ReadonlyMap<number, number>>();

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /**
   * Takes the partitions that have no router now. `undefined` means unknown, and changes nothing. Returns
   * those that have had none for long, and whether others may reach that.
   */
  see(
    key: string,
    orphans: readonly number[] | undefined,
  ): { readonly lasting: readonly number[]; readonly isOpen: boolean } {
    const now = this.#clock.monotonic();
    const before = this.#since.get(key);
    const since =
      orphans === undefined
        ? (before ?? new Map<number, number>())
        : new Map(orphans.map((partition) => [partition, before?.get(partition) ?? now]));
    this.#since.set(key, since);
    const lasting = [...since].flatMap(([partition, at]) => (now - at >= ORPHAN_MS ? [partition] : []));
    return { lasting, isOpen: lasting.length < since.size };
  }

  forget(key: string): void {
    this.#since.delete(key);
  }
}
