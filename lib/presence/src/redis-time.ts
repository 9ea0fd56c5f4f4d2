/** A sample counts for at least this long. */
const WINDOW_MS = 60_000;

/**
 * Estimates Redis's clock in microseconds from the times that scripts return. A time is late by its way
 * through the network, so of the recent ones the fastest answer counts.
 */
export class RedisTime {
  readonly #monotonic: () => number;
  #offset = -Infinity;
  /** The best offset of the previous window. */
  #earlier = -Infinity;
  #since = 0;
  #latest = 0;

  /** `monotonic` is in milliseconds. */
  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** The latest time that Redis returned; 0 before the first. The clock of another Redis may be behind it. */
  get latest(): number {
    return this.#latest;
  }

  /** `undefined` before the first time was returned. */
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
