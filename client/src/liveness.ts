/** Of a frame without an answer so long nothing was heard: a ping asks whether anybody is there. */
export const PROBE_MS = 4_000;
/** And so long: nobody is. Two seconds are left for the way back, so that nobody waits longer than ten. */
export const DEAD_MS = 8_000;

export interface Next {
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly act: "ping" | "end";
}

/**
 * Whether the other end lives, by what was said and heard; times are monotonic milliseconds. Anything heard
 * is life: an ack may take long, while a ping is answered by whoever holds the socket.
 */
export class Liveness {
  readonly #heartbeatMs: number;
  readonly #unanswered = new Set<string>();
  #heardAt: number;
  /** From when on silence counts: something is unanswered, and nothing was heard since. */
  #silentSince: number | undefined;
  #probedAt: number | undefined;

  constructor(heartbeatMs: number, now: number) {
    this.#heartbeatMs = heartbeatMs;
    this.#heardAt = now;
  }

  /** A frame went out that wants an answer, by this id. */
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

  /** Who wakes too late, having slept, asks before it believes that the other end was silent meanwhile. */
  next(): Next {
    if (this.#silentSince === undefined) return { at: this.#heardAt + this.#heartbeatMs, act: "ping" };
    if (this.#probedAt === undefined) return { at: this.#silentSince + PROBE_MS, act: "ping" };
    const at = Math.max(this.#silentSince + DEAD_MS, this.#probedAt + DEAD_MS - PROBE_MS);
    return { at, act: "end" };
  }
}
