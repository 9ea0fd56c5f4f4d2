import type { Clock } from "@jichat/protocol/clock.ts";

/** A lease that is free is taken within this, also behind the death of who had it. */
export const ORPHAN_MS = 10_000;

/** Partitions that no router has, pass by pass: one that is handed over has nobody for a moment. */
export class Orphans {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #since = new Map<string, ReadonlyMap<number, number>>();

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /**
   * Takes in who is without a router now; `undefined` says that it is not known, and changes nothing. Returns
   * those that have been for long, and whether others are on their way to that.
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
