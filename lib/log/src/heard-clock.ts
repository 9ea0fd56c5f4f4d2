import type { Clock } from "@jichat/protocol/clock.ts";

/**
 * A clock that stops in silence: a period without a message counts for at most `silenceMaxMs` milliseconds.
 * It is for deadlines that are kept by messages over a channel which may itself fall silent.
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
