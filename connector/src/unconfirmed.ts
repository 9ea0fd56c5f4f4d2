/** Events that a gap stands for may be this much older than the gap. */
const GAP_AGE_MS = 60_000;
/** The time from which on events may be missing, if a gap is written at `now`. */
export const gapTime = (now: number): number => now - GAP_AGE_MS;

/**
 * What was delivered to a socket and may not have arrived: nothing was heard of the socket since. A sign of
 * life that comes right behind a frame may have left before the frame arrived. So it confirms only what was
 * delivered before the latest sweep, and no clock is read.
 */
export class Unconfirmed {
  /** Times of the oldest delivery since the latest sweep, and before it; 0 if there is none. */
  #fresh = 0;
  #older = 0;

  /** `ts` is the time of the event that was delivered. */
  delivered(ts: number): void {
    if (this.#fresh === 0 || ts < this.#fresh) this.#fresh = ts;
  }

  heard(): void {
    this.#older = 0;
  }

  sweep(): void {
    if (this.#fresh === 0) return;
    this.#older = this.#older === 0 ? this.#fresh : Math.min(this.#older, this.#fresh);
    this.#fresh = 0;
  }

  /**
   * What has a later time, in milliseconds since 1970, may not have arrived. `undefined` if all of it is
   * confirmed.
   */
  get since(): number | undefined {
    const times = [this.#older, this.#fresh].filter((time) => time !== 0);
    return times.length === 0 ? undefined : Math.min(...times) - 1;
  }
}
