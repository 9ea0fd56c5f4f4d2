/**
 * Values by key, made when they are first asked for. The least recently asked for that nobody needs are
 * dropped.
 */
export class Remembered<T> {
  readonly #max: number;
  readonly #isNeeded: (value: T) => boolean;
  /** The least recently asked for come first. */
  readonly #values = new Map<string, T>();

  /** More than `max` are kept only while all of them are needed. */
  constructor(max: number, isNeeded: (value: T) => boolean) {
    this.#max = max;
    this.#isNeeded = isNeeded;
  }

  of(key: string, make: () => T): T {
    const value = this.#values.get(key) ?? make();
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size > this.#max) this.#drop(key);
    return value;
  }

  /** Without making it, and without a claim on it. */
  peek(key: string): T | undefined {
    return this.#values.get(key);
  }

  values(): IterableIterator<T> {
    return this.#values.values();
  }

  #drop(asked: string): void {
    for (const [key, value] of this.#values) {
      if (key === asked || this.#isNeeded(value)) continue;
      this.#values.delete(key);
      return;
    }
  }
}
