import type { Clock } from "@jichat/protocol/clock.ts";

/**
 * The server's time of day: what the server said last, continued by a monotonic clock. The device's own clock
 * may be hours off, and jumps when it is corrected.
 */
export class ServerClock {
  readonly #clock: Pick<Clock, "now" | "monotonic">;
  #ahead: number | undefined;

  constructor(clock: Pick<Clock, "now" | "monotonic">) {
    this.#clock = clock;
  }

  /** Takes the time of a `welcome` or a `pong`, at the moment it arrives. */
  heard(serverTime: number): void {
    this.#ahead = serverTime - this.#clock.monotonic();
  }

  /** Whole milliseconds since 1970. By the device's own clock until the server has told its time. */
  now(): number {
    return Math.floor(this.#ahead === undefined ? this.#clock.now() : this.#clock.monotonic() + this.#ahead);
  }
}
