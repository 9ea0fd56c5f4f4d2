import type { TokenBucket, TokenBuckets } from "@jichat/runtime/token-bucket.ts";

/** A frame of up to this size costs one unit. A longer one costs one for each such piece. */
const FRAME_BYTES = 1_024;

/**
 * Limits the frames of all sockets of one address together: many sockets within their own limits may still be
 * a burden.
 */
export class AddressBudget {
  readonly #buckets: TokenBuckets;

  constructor(buckets: TokenBuckets) {
    this.#buckets = buckets;
  }

  /**
   * Takes a frame of so many bytes and returns 0, or returns the milliseconds until it may be taken. `now` is
   * monotonic here and below.
   */
  spend(address: string, bytes: number, now: number): number {
    return this.#buckets.spend(address, bytes <= FRAME_BYTES ? 1 : Math.ceil(bytes / FRAME_BYTES), now);
  }

  /** The bucket of an address, for the small frames of one turn: it is not looked up for each frame. */
  of(address: string, now: number): Pick<TokenBucket, "takeOne"> {
    return this.#buckets.of(address, now);
  }

  /** Milliseconds until the address may send its next frame; 0 if it may send now. */
  waitMs(address: string, now: number): number {
    return this.#buckets.waitMs(address, 1, now);
  }

  sweep(now: number): void {
    this.#buckets.sweep(now);
  }
}
