import type { Clock } from "@jichat/protocol/clock.ts";

/** Remembers since when this connector takes new devices. */
export class Accepting {
  readonly #clock: Pick<Clock, "now">;
  readonly #accepts: () => boolean;
  #since = 0;

  constructor(clock: Pick<Clock, "now">, accepts: () => boolean) {
    this.#clock = clock;
    this.#accepts = accepts;
  }

  /** Milliseconds since 1970; 0 if it takes none. Ask often: it notices a change when it is asked. */
  since(): number {
    if (!this.#accepts()) this.#since = 0;
    else if (this.#since === 0) this.#since = Math.round(this.#clock.now());
    return this.#since;
  }
}
