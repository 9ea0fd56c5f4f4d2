/** Keys of one generation; some 150 bytes each. */
const KEYS_MAX = 16_384;

/**
 * The latest order of each key that was heard of lately. It remembers at least the last `keysMax` keys and at
 * most twice as many: a delivery that comes late, comes seconds late, not thousands of notices.
 */
export class LatestOrders {
  readonly #keysMax: number;
  #young = new Map<string, number>();
  #old = new Map<string, number>();

  constructor(keysMax = KEYS_MAX) {
    this.#keysMax = keysMax;
  }

  /** Whether `order` is above all that is remembered of this key, which it is from now on. */
  raise(key: string, order: number): boolean {
    const known = this.#young.get(key) ?? this.#old.get(key);
    if (known !== undefined && known >= order) return false;
    if (this.#young.size >= this.#keysMax && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, order);
    return true;
  }
}
