import type { Clock } from "@jichat/protocol/clock.ts";

/**
 * The server's time of day. Counted on from what the server said last by a clock that nobody sets: the
 * device's own may be hours off, and jumps when it is mended.
 */
export class ServerClock {
  readonly #clock: Pick<Clock, "now" | "monotonic">;
  #ahead: number | undefined;

  constructor(clock: Pick<Clock, "now" | "monotonic">) {
    this.#clock = clock;
  }

  /** Of a `welcome` or a `pong`, as it came. */
  heard(serverTime: number): void {
    this.#ahead = serverTime - this.#clock.monotonic();
  }

  /** Whole milliseconds since 1970; by the device's own clock before the server has said its time. */
  now(): number {
    return Math.floor(this.#ahead === undefined ? this.#clock.now() : this.#clock.monotonic() + this.#ahead);
  }
}
