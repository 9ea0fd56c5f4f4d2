import type { Clock } from "@jichat/protocol/clock.ts";
import type { ChatError } from "@jichat/protocol/errors.ts";

/** The wait doubles with each try, up to this, in milliseconds. */
const [FIRST_MS, MOST_MS] = [250, 30_000];

/** Waits until something that failed is worth another try: later, or once the device is online again. */
export class Patience {
  readonly #clock: Pick<Clock, "sleep">;
  readonly #stopping = new AbortController();
  #online = Promise.withResolvers<void>();
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
    if (isOnline) this.#online.resolve();
    else if (!this.isOver) this.#online = Promise.withResolvers();
  }

  /**
   * Resolves after the delay that the error asks for and that `tries` before call for, once the device is
   * online; or at once if all is over: check `isOver` then.
   */
  async wait({ retryAfterMs = 0 }: Pick<ChatError, "retryAfterMs">, tries: number): Promise<void> {
    const ms = Math.max(retryAfterMs, Math.min(MOST_MS, FIRST_MS * 2 ** tries));
    await this.#clock.sleep(ms, this.#stopping.signal).catch(() => undefined);
    await this.#online.promise;
  }

  stop(): void {
    this.#stopping.abort();
    this.#online.resolve();
  }
}
