import type { Clock } from "@jichat/protocol/clock.ts";

/** The longest delay that a timer of every platform supports. */
const LONGEST_MS = 2_147_483_647;

/**
 * One shared abort reason. Without it, each `clear` would create an exception with a stack, for nearly every
 * frame.
 */
const CLEARED = new Error("set anew, or cleared");

/** One delayed action. Setting it again replaces the previous setting. */
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
