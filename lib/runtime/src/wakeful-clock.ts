import type { Clock } from "@jichat/protocol/clock.ts";

/** It looks at the time this often; of a longer time without a look twice this counts. */
const LOOK_MS = 500;

/**
 * Milliseconds during which this process was awake: while it stood still, for want of CPU or for whatever
 * reason, nothing that was said to it was heard either. For deadlines that somebody else is to meet.
 */
export class WakefulClock {
  readonly #clock: Clock;
  #at = 0;
  #lookedAt: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lookedAt = clock.monotonic();
  }

  now(): number {
    return this.#at + Math.min(2 * LOOK_MS, this.#clock.monotonic() - this.#lookedAt);
  }

  /** Looks at the time until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(LOOK_MS, signal).catch(() => undefined);
      this.#at = this.now();
      this.#lookedAt = this.#clock.monotonic();
    }
  }
}
