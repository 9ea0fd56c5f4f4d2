/**
 * Allows `perSecond` in the long run and `burst` at once. Times are in milliseconds. If time steps back,
 * nothing is refilled.
 */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  constructor(perSecond: number, burst: number, now: number) {
    this.#perMs = perSecond / 1_000;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = now;
  }

  /** Spends `cost` and returns 0; or spends nothing and returns the milliseconds to wait. */
  spend(cost: number, now: number): number {
    const waitMs = this.waitMs(cost, now);
    if (waitMs === 0) this.#tokens -= Math.min(cost, this.#burst);
    return waitMs;
  }

  /** Spends one token without a refill; false if less than one is left. */
  takeOne(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** The milliseconds that `spend` would return. Spends nothing. */
  waitMs(cost: number, now: number): number {
    this.#refill(now);
    // A cost above `burst` passes when the bucket is full; otherwise it never would.
    const needed = Math.min(cost, this.#burst);
    return this.#tokens < needed ? Math.ceil((needed - this.#tokens) / this.#perMs) : 0;
  }

  /** Whether it is full, so that forgetting it changes nothing. */
  isFull(now: number): boolean {
    this.#refill(now);
    return this.#tokens >= this.#burst;
  }

  #refill(now: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + Math.max(0, now - this.#at) * this.#perMs);
    this.#at = now;
  }
}

/** Buckets by key. `sweep` forgets those that are full again; beyond `keysMax` the oldest is forgotten. */
export class TokenBuckets {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #keysMax: number;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(perSecond: number, burst = 2 * perSecond, keysMax = 100_000) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#keysMax = keysMax;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Like `TokenBucket.spend`, with the key's bucket. */
  spend(key: string, cost: number, now: number): number {
    return this.of(key, now).spend(cost, now);
  }

  /** Like `TokenBucket.waitMs`. It does not create a bucket for the key. */
  waitMs(key: string, cost: number, now: number): number {
    return this.#buckets.get(key)?.waitMs(cost, now) ?? 0;
  }

  /** The key's bucket. A sweep may replace it, so do not keep the result for long. */
  of(key: string, now: number): TokenBucket {
    const known = this.#buckets.get(key);
    if (known !== undefined) return known;
    const bucket = new TokenBucket(this.#perSecond, this.#burst, now);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > this.#keysMax) {
      const oldest = this.#buckets.keys().next();
      if (oldest.done !== true) this.#buckets.delete(oldest.value);
    }
    return bucket;
  }

  sweep(now: number): void {
    for (const [key, bucket] of this.#buckets) if (bucket.isFull(now)) this.#buckets.delete(key);
  }
}
