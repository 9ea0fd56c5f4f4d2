/** Keys of one generation, at about 150 bytes each. */
const KEYS_MAX = 16_384;

/**
 * The latest order of each recent key. It remembers at least the last `keysMax` keys and at most twice as
 * many. That is enough: a late delivery is seconds late, not thousands of notices.
 */
export class LatestOrders {
  readonly #keysMax: number;
  #young = new Map<string, number>();
  #old = new Map<string, number>();

  constructor(keysMax = KEYS_MAX) {
    this.#keysMax = keysMax;
  }

  /** Records `order`, and returns true if it is higher than all orders remembered for this key. */
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
