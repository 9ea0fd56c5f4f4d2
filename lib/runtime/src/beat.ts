import type { Clock } from "@jichat/protocol/clock.ts";

/** Waits below a timer's resolution are skipped. */
const WAIT_MIN_MS = 0.5;

/**
 * A common beat for independent starters: at once after a pause, otherwise together, `everyMs()` after the
 * previous beat. Messages that leave together wake each process on their way once.
 */
export class Beat {
  readonly #clock: Clock;
  readonly #everyMs: () => number;
  #waiting: (() => void)[] = [];
  #lastAt = -Infinity;

  constructor(clock: Clock, everyMs: () => number) {
    this.#clock = clock;
    this.#everyMs = everyMs;
  }

  /** Calls `act` once, at the next beat, and never within this turn of the event loop. */
  next(act: () => void): void {
    this.#waiting.push(act);
    if (this.#waiting.length > 1) return;
    const waitMs = this.#lastAt + this.#everyMs() - this.#clock.monotonic();
    const start = (): void => {
      this.#start();
    };
    if (waitMs < WAIT_MIN_MS) setImmediate(start);
    else void this.#clock.sleep(waitMs).then(start);
  }

  #start(): void {
    this.#lastAt = this.#clock.monotonic();
    for (const act of this.#waiting.splice(0)) act();
  }
}
