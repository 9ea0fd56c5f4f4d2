import type { Clock } from "@jichat/protocol/clock.ts";

/** What a timer of every platform can count to. */
const LONGEST_MS = 2_147_483_647;

/** One thing to do later. Set anew, it forgets what it was set to before. */
export class Alarm {
  readonly #clock: Clock;
  #setting: AbortController | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  set(ms: number, act: () => void): void {
    this.clear();
    const setting = new AbortController();
    this.#setting = setting;
    void this.#clock.sleep(Math.min(LONGEST_MS, Math.max(0, ms)), setting.signal).then(act, () => undefined);
  }

  clear(): void {
    this.#setting?.abort();
    this.#setting = undefined;
  }
}
