/**
 * A frame has had no answer, and nothing was heard, for this long: a ping asks whether the server is alive.
 */
export const PROBE_MS = 4_000;
/** After this much silence the server counts as dead. Two more seconds cover the way back: 10 s in all. */
export const DEAD_MS = 8_000;

export interface Next {
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly act: "ping" | "end";
}

/**
 * Decides whether the server is alive, from what was sent and heard. Times are monotonic milliseconds. Any
 * frame counts as a sign of life: an ack may take long, but whoever holds the socket answers a ping.
 */
export class Liveness {
  readonly #heartbeatMs: number;
  readonly #unanswered = new Set<string>();
  #heardAt: number;
  /** The start of the present silence: a frame is unanswered, and nothing was heard since. */
  #silentSince: number | undefined;
  #probedAt: number | undefined;

  constructor(heartbeatMs: number, now: number) {
    this.#heartbeatMs = heartbeatMs;
    this.#heardAt = now;
  }

  /** A frame that expects an answer to this id was sent. */
  sent(id: string, now: number): void {
    this.#unanswered.add(id);
    this.#silentSince ??= now;
  }

  heard(id: string | undefined, now: number): void {
    this.#heardAt = now;
    this.#probedAt = undefined;
    if (id !== undefined) this.#unanswered.delete(id);
    this.#silentSince = this.#unanswered.size > 0 ? now : undefined;
  }

  /** Nobody waits for this answer any more. */
  forget(id: string): void {
    this.#unanswered.delete(id);
  }

  pinged(now: number): void {
    if (this.#silentSince === undefined) this.#silentSince = now;
    else this.#probedAt ??= now;
  }

  /**
   * After a sleep of the device, a ping comes before the verdict: the server may not have been silent
   * meanwhile.
   */
  next(): Next {
    if (this.#silentSince === undefined) return { at: this.#heardAt + this.#heartbeatMs, act: "ping" };
    if (this.#probedAt === undefined) return { at: this.#silentSince + PROBE_MS, act: "ping" };
    const at = Math.max(this.#silentSince + DEAD_MS, this.#probedAt + DEAD_MS - PROBE_MS);
    return { at, act: "end" };
  }
}
