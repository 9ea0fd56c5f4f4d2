/**
 * Lets `perSecond` through in the long run and `burst` at once. Times are milliseconds; where they step back
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

  /** 0 when `cost` was taken, else the milliseconds after which it can be. */
  spend(cost: number, now: number): number {
    const waitMs = this.waitMs(cost, now);
    if (waitMs === 0) this.#tokens -= Math.min(cost, this.#burst);
    return waitMs;
  }

  /** Takes one of what was left when it was last looked at; false where there is none. */
  takeOne(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** What `take` would say. */
  waitMs(cost: number, now: number): number {
    this.#refill(now);
    // More than the bucket can ever hold passes when it is full, or it never would.
    const needed = Math.min(cost, this.#burst);
    return this.#tokens < needed ? Math.ceil((needed - this.#tokens) / this.#perMs) : 0;
  }

  /** Full again: forgetting it changes nothing. */
  isFull(now: number): boolean {
    this.#refill(now);
    return this.#tokens >= this.#burst;
  }

  #refill(now: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + Math.max(0, now - this.#at) * this.#perMs);
    this.#at = now;
  }
}

/** Buckets by key. Bounded by forgetting those that are full again, and past `keysMax` the oldest. */
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

  /** 0 when `cost` was taken from the key's bucket, else the milliseconds after which it can be. */
  spend(key: string, cost: number, now: number): number {
    return this.of(key, now).spend(cost, now);
  }

  /** What `take` would say; nobody is remembered for asking. */
  waitMs(key: string, cost: number, now: number): number {
    return this.#buckets.get(key)?.waitMs(cost, now) ?? 0;
  }

  /** The key's bucket; another one once it was swept, so it is to be asked for anew soon. */
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
