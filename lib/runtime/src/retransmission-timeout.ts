/** Longer than nearly every answer, so that little is sent twice while nothing was lost. */
export const TIMEOUT_MIN_MS = 500;
export const TIMEOUT_MAX_MS = 2_000;
/** The weights and the factor of RFC 6298, section 2. */
const MEAN_WEIGHT = 1 / 8;
const DEVIATION_WEIGHT = 1 / 4;
const DEVIATIONS = 4;

/**
 * How long to wait for an answer until the same request is sent again, by RFC 6298: the mean of what answers
 * took, and four mean deviations, within 500 ms and 2 s. A short time finds out soon that a request was lost;
 * a busy server, which is slow, must not get everything twice for it.
 */
export class RetransmissionTimeout {
  #meanMs: number | undefined;
  #deviationMs = 0;
  #ms = TIMEOUT_MAX_MS / 2;

  /** In milliseconds. */
  get ms(): number {
    return this.#ms;
  }

  /**
   * A request was answered after `ms`. Only the answer to a first attempt counts (Karn's rule): that to a
   * repetition may be the first attempt's, which was slow.
   */
  answered(ms: number): void {
    if (this.#meanMs === undefined) {
      this.#meanMs = ms;
      this.#deviationMs = ms / 2;
    } else {
      this.#deviationMs += DEVIATION_WEIGHT * (Math.abs(ms - this.#meanMs) - this.#deviationMs);
      this.#meanMs += MEAN_WEIGHT * (ms - this.#meanMs);
    }
    this.#set(this.#meanMs + DEVIATIONS * this.#deviationMs);
  }

  /** No answer came in time: from now on it is twice as long, until the answer to a first attempt counts. */
  passed(): void {
    this.#set(2 * this.#ms);
  }

  #set(ms: number): void {
    this.#ms = Math.min(TIMEOUT_MAX_MS, Math.max(TIMEOUT_MIN_MS, Math.ceil(ms)));
  }
}
