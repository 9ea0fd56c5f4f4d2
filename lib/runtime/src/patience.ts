/** How long a server may show no quorum. */
export const PATIENCE_MS = 3_000;
/**
 * The pause before the next server may be left too. It doubles each time: if no server has a quorum, moving
 * does not help.
 */
const PAUSE_MIN_MS = PATIENCE_MS;
const PAUSE_MAX_MS = 60_000;

/** Decides when to leave a server that shows no quorum. Pure: the caller passes events and times. */
export class Patience {
  #seenAt: number;
  #leftAt = Number.NEGATIVE_INFINITY;
  #pauseMs = PAUSE_MIN_MS;

  constructor(now: number) {
    this.#seenAt = now;
  }

  /** Reports that a quorum was seen. */
  seen(now: number): void {
    this.#seenAt = now;
    this.#pauseMs = PAUSE_MIN_MS;
  }

  /** Reports a new connection: the new server gets its full time too. */
  restart(now: number): void {
    this.#seenAt = now;
  }

  /**
   * Reports that no quorum was seen. Returns whether to leave the server now; if so, the next pause is
   * longer.
   */
  isOver(now: number): boolean {
    if (now - this.#seenAt < PATIENCE_MS || now - this.#leftAt < this.#pauseMs) return false;
    this.#leftAt = now;
    this.#pauseMs = Math.min(2 * this.#pauseMs, PAUSE_MAX_MS);
    return true;
  }
}
