import type { Clock } from "@jichat/protocol/clock.ts";

/**
 * Milliseconds during which something was heard: silence counts up to `silenceMaxMs` and then no more. For
 * deadlines whose keeping is told through what may fall silent itself.
 */
export class HeardClock {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #silenceMaxMs: number;
  #at = 0;
  #heardAt: number | undefined;

  constructor(clock: Pick<Clock, "monotonic">, silenceMaxMs: number) {
    this.#clock = clock;
    this.#silenceMaxMs = silenceMaxMs;
  }

  heard(): void {
    this.#at = this.now();
    this.#heardAt = this.#clock.monotonic();
  }

  now(): number {
    if (this.#heardAt === undefined) return this.#at;
    return this.#at + Math.min(this.#silenceMaxMs, this.#clock.monotonic() - this.#heardAt);
  }
}
