import type { Clock } from "@jichat/protocol/clock.ts";

/** Silence is counted in looks, not in time: a process that stood still received nothing meanwhile. */
const LOOK_MS = 250;

/** Ends a wait once there was no sign of life for longer than `limitMs`. */
export class Watchdog {
  readonly #clock: Pick<Clock, "sleep">;
  readonly #limitMs: number;
  #silentMs = 0;
  #isAwake = true;

  constructor(clock: Pick<Clock, "sleep">, limitMs: number) {
    this.#clock = clock;
    this.#limitMs = limitMs;
  }

  /** Reports a sign of life. */
  sign(): void {
    this.#silentMs = 0;
  }

  /** Stops counting until `wake`: nothing is waited for. */
  rest(): void {
    this.#isAwake = false;
  }

  wake(): void {
    this.#isAwake = true;
    this.#silentMs = 0;
  }

  /** Calls `bite` once after too long a silence; never after `signal` has aborted. */
  async watch(signal: AbortSignal, bite: () => void): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(LOOK_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      if (this.#isAwake) this.#silentMs += LOOK_MS;
      if (this.#silentMs <= this.#limitMs) continue;
      bite();
      return;
    }
  }
}
