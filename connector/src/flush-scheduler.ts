import type { Clock } from "@jichat/protocol/clock.ts";
import { systemClock } from "@jichat/protocol/clock.ts";

/** What has frames to send. */
export interface Flushable {
  flush(): void;
}

/**
 * One turn of the event loop. Gathers the sockets that were written to in it, and flushes each once at its
 * end: a batch of acks and the deliveries behind it cost a socket one system call, not one each.
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

  /** Tells this turn from others, once it has been asked for the time or written to. */
  get ordinal(): number {
    return this.#ordinal;
  }

  /** Runs `act` in the next turn, behind what has come by then. */
  next(act: () => void): void {
    this.#endLater(); // This turn's end comes first.
    this.#schedule(act);
  }

  /** To be called once per turn and socket. */
  flushLater(socket: Flushable): void {
    this.#dirty.push(socket);
    this.#endLater();
  }

  /**
   * Wall clock, in ms since 1970, as it was when it was first asked for in this turn: a read brings many
   * frames, and the clock costs a twentieth of what the smallest of them does.
   */
  now(): number {
    if (this.#now === undefined) {
      this.#now = this.#clock.now();
      this.#endLater();
    }
    return this.#now;
  }

  /** The same of the clock that durations are measured by. */
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
