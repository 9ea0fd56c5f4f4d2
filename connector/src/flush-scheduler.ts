import type { Clock } from "@jichat/protocol/clock.ts";
import { systemClock } from "@jichat/protocol/clock.ts";

/** A writer with frames to send. */
export interface Flushable {
  flush(): void;
}

/**
 * Gathers the sockets that are written to in one turn of the event loop, and flushes each once at the end of
 * the turn. So a batch of acks and the deliveries behind it cost a socket one system call, not one each.
 */
export class FlushScheduler {
  #dirty: Flushable[] = [];
  #now: number | undefined;
  #monotonic: number | undefined;
  #willEnd = false;
  #ordinal = 0;
  readonly #schedule: (act: () => void) => void;
  readonly #clock: Pick<Clock, "now" | "monotonic">;

  constructor(
    schedule: (act: () => void) => void = setImmediate,
    clock: Pick<Clock, "now" | "monotonic"> = systemClock,
  ) {
    this.#schedule = schedule;
    this.#clock = clock;
  }

  /** The number of this turn. It is only sure to change if this turn was asked for the time or written to. */
  get ordinal(): number {
    return this.#ordinal;
  }

  /** Runs `act` in the next turn, after the events that have arrived by then. */
  next(act: () => void): void {
    this.#endLater(); // This turn's end comes first.
    this.#schedule(act);
  }

  /** Call at most once per turn and socket. */
  flushLater(socket: Flushable): void {
    this.#dirty.push(socket);
    this.#endLater();
  }

  /**
   * Wall clock in ms since 1970, read once per turn. One read of a socket brings many frames, and reading the
   * clock costs a twentieth of handling the smallest frame.
   */
  now(): number {
    if (this.#now === undefined) {
      this.#now = this.#clock.now();
      this.#endLater();
    }
    return this.#now;
  }

  /** Monotonic clock in ms, also read once per turn. */
  monotonic(): number {
    if (this.#monotonic === undefined) {
      this.#monotonic = this.#clock.monotonic();
      this.#endLater();
    }
    return this.#monotonic;
  }

  #endLater(): void {
    if (this.#willEnd) return;
    this.#willEnd = true;
    this.#schedule(() => {
      this.#end();
    });
  }

  #end(): void {
    const dirty = this.#dirty;
    this.#dirty = [];
    this.#now = undefined;
    this.#monotonic = undefined;
    this.#willEnd = false;
    this.#ordinal += 1;
    for (const socket of dirty) socket.flush();
  }
}
