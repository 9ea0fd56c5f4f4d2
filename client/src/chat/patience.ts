import type { Clock } from "@jichat/protocol/clock.ts";
import type { ChatError } from "@jichat/protocol/errors.ts";
import { isRetryable } from "@jichat/protocol/errors.ts";
import { reasonOf } from "../closed.ts";

/** The wait doubles with each try, up to this, in milliseconds. */
const [FIRST_MS, MOST_MS] = [250, 30_000];

/** One shared abort reason: an exception with a stack for each wait would be of no use. */
const WOKEN = new Error("online, or over");

/**
 * Waits until something that failed is worth another try: later, or as soon as the device is online again.
 */
export class Patience {
  readonly #clock: Pick<Clock, "sleep">;
  readonly #stopping = new AbortController();
  /** Aborts the waits when the device comes online, and is then replaced. */
  #coming = new AbortController();
  #isOnline = false;

  constructor(clock: Pick<Clock, "sleep">) {
    this.#clock = clock;
  }

  get isOver(): boolean {
    return this.#stopping.signal.aborted;
  }

  set isOnline(isOnline: boolean) {
    if (isOnline === this.#isOnline) return;
    this.#isOnline = isOnline;
    if (isOnline) this.#wake();
  }

  /**
   * Resolves after the delay that the error asks for and that `tries` before call for, or earlier once the
   * device comes online. While it is offline, only that helps. Resolves at once if all is over: check
   * `isOver` then.
   */
  async wait({ retryAfterMs = 0 }: Pick<ChatError, "retryAfterMs">, tries: number): Promise<void> {
    if (this.isOver) return;
    const ms = Math.max(retryAfterMs, Math.min(MOST_MS, FIRST_MS * 2 ** tries));
    const { signal } = this.#coming;
    if (this.#isOnline) await this.#clock.sleep(ms, signal).catch(() => undefined);
    else
      await new Promise((resolve) => {
        signal.addEventListener("abort", resolve, { once: true });
      });
  }

  /**
   * Resolves with what `ask` resolves with, at most `triesMax` times tried. Undefined for what cannot be asked,
   * after the last try, and once all is over.
   */
  async answer<T>(ask: () => Promise<T>, triesMax = Number.POSITIVE_INFINITY): Promise<T | undefined> {
    for (let tries = 0; tries < triesMax && !this.isOver; tries += 1) {
      try {
        return await ask();
      } catch (thrown) {
        const error = reasonOf(thrown);
        if (!isRetryable(error.code)) return undefined;
        await this.wait(error, tries);
      }
    }
    return undefined;
  }

  stop(): void {
    this.#stopping.abort();
    this.#wake();
  }

  #wake(): void {
    const coming = this.#coming;
    this.#coming = new AbortController();
    coming.abort(WOKEN);
  }
}
