import type { Clock } from "@jichat/protocol/clock.ts";

/** What a timer of every platform can count to. */
const LONGEST_MS = 2_147_483_647;

/** Without a reason of ours each clearing would make an exception and its stack, for nearly every frame. */
const CLEARED = new Error("set anew, or cleared");

/** One thing to do later. Set anew, it forgets what it was set to before. */
export class Alarm {
  readonly #clock: Pick<Clock, "sleep">;
  #setting: AbortController | undefined;

  constructor(clock: Pick<Clock, "sleep">) {
    this.#clock = clock;
  }

  set(ms: number, act: () => void): void {
    this.clear();
    const setting = new AbortController();
    this.#setting = setting;
    void this.#clock.sleep(Math.min(LONGEST_MS, Math.max(0, ms)), setting.signal).then(act, () => undefined);
  }

  clear(): void {
    this.#setting?.abort(CLEARED);
    this.#setting = undefined;
  }
}
