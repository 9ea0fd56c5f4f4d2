/** So long a server may go without a sign of a quorum. */
export const PATIENCE_MS = 3_000;
/** So soon the second server is left too, the next ones ever later: where none has a quorum, none helps. */
const PAUSE_MIN_MS = PATIENCE_MS;
const PAUSE_MAX_MS = 60_000;

/** When to leave a server that shows no quorum. Pure: told what happens and when. */
export class Patience {
  #seenAt: number;
  #leftAt = Number.NEGATIVE_INFINITY;
  #pauseMs = PAUSE_MIN_MS;

  constructor(now: number) {
    this.#seenAt = now;
  }

  /** A quorum was seen. */
  seen(now: number): void {
    this.#seenAt = now;
    this.#pauseMs = PAUSE_MIN_MS;
  }

  /** Another server, or none for a while: it gets its time too. */
  restart(now: number): void {
    this.#seenAt = now;
  }

  /** No quorum was seen just now. Whether to leave for that; then the next time comes later. */
  isOver(now: number): boolean {
    if (now - this.#seenAt < PATIENCE_MS || now - this.#leftAt < this.#pauseMs) return false;
    this.#leftAt = now;
    this.#pauseMs = Math.min(2 * this.#pauseMs, PAUSE_MAX_MS);
    return true;
  }
}
