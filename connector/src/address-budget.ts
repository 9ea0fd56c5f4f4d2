import type { TokenBucket, TokenBuckets } from "@jichat/runtime/token-bucket.ts";

/** A frame up to here costs one, a longer one as many as it has of them. */
const FRAME_BYTES = 1_024;

/** What all sockets of one address may say together: many within their limits cost as much as one. */
export class AddressBudget {
  readonly #buckets: TokenBuckets;

  constructor(buckets: TokenBuckets) {
    this.#buckets = buckets;
  }

  /**
   * 0 when a frame of so many bytes was taken, else the milliseconds after which it can be. `now` is monotonic,
   * here and below.
   */
  spend(address: string, bytes: number, now: number): number {
    return this.#buckets.spend(address, bytes <= FRAME_BYTES ? 1 : Math.ceil(bytes / FRAME_BYTES), now);
  }

  /** For small frames of this turn, one by one: it is not looked up for each. */
  of(address: string, now: number): Pick<TokenBucket, "takeOne"> {
    return this.#buckets.of(address, now);
  }

  /** Milliseconds until its next frame is taken: 0 where it has not said too much. */
  waitMs(address: string, now: number): number {
    return this.#buckets.waitMs(address, 1, now);
  }

  sweep(now: number): void {
    this.#buckets.sweep(now);
  }
}
