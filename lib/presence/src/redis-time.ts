/** How long a sample counts, at least. */
const WINDOW_MS = 60_000;

/**
 * What Redis's clock says now, in microseconds, told by the answers of scripts. An answer is older than it is
 * by its way here: of the latest ones the one that came quickest counts.
 */
export class RedisTime {
  readonly #monotonic: () => number;
  #offset = -Infinity;
  /** Of the window before. */
  #earlier = -Infinity;
  #since = 0;
  #latest = 0;

  /** `monotonic` is in milliseconds. */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** The latest that was told; 0 before the first. Another Redis may be behind. */
  get latest(): number {
    return this.#latest;
  }

  /** Undefined before it was told. */
  now(): number | undefined {
    const offset = Math.max(this.#offset, this.#earlier);
    return offset === -Infinity ? undefined : Math.round(1_000 * this.#monotonic() + offset);
  }

  told(time: number): void {
    const now = this.#monotonic();
    if (now - this.#since > WINDOW_MS) {
      this.#earlier = this.#offset;
      this.#offset = -Infinity;
      this.#since = now;
    }
    this.#offset = Math.max(this.#offset, time - 1_000 * now);
    this.#latest = Math.max(this.#latest, time);
  }
}
