import type { Clock } from "@jichat/protocol/clock.ts";

/** Interval between looks at the time. A longer period without a look counts as at most twice this. */
const LOOK_MS = 500;

/**
 * Milliseconds during which this process was awake. While it stood still, for lack of CPU or another reason,
 * it could not receive messages either. For deadlines that another process has to meet.
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

  /** Updates the clock until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(LOOK_MS, signal).catch(() => undefined);
      this.#at = this.now();
      this.#lookedAt = this.#clock.monotonic();
    }
  }
}
