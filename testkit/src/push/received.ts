/** What a service took, in order. Benches send more than is kept: the newest stay. */
export class Received<T> {
  readonly #keepMax: number;
  #kept: T[] = [];
  #total = 0;

  constructor(keepMax = 200_000) {
    this.#keepMax = keepMax;
  }

  add(one: T): void {
    this.#total += 1;
    this.#kept.push(one);
    if (this.#kept.length > 2 * this.#keepMax) this.#kept = this.#kept.slice(-this.#keepMax);
  }

  /** The newest `keepMax`, and perhaps as many before them. */
  get all(): readonly T[] {
    return this.#kept;
  }

  get last(): T | undefined {
    return this.#kept.at(-1);
  }

  /** All that ever came. */
  get total(): number {
    return this.#total;
  }
}
