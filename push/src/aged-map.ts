/** A value that was asked for, and when. */
interface Aged<V> {
  readonly value: Promise<V>;
  readonly at: number;
}

interface AgedMapOptions {
  /** Most keys. Those that were asked for longest ago go first. */
  readonly max: number;
  /** Milliseconds after which a value is read again. */
  readonly ageMs: () => number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** A bounded cache of what is read, with an age limit. Those who ask for one key at once share one read. */
export class AgedMap<V> {
  readonly #read: (key: string) => Promise<V>;
  readonly #options: AgedMapOptions;
  readonly #values = new Map<string, Aged<V>>();

  constructor(read: (key: string) => Promise<V>, options: AgedMapOptions) {
    this.#read = read;
    this.#options = options;
  }

  get size(): number {
    return this.#values.size;
  }

  /** Rejects if the read fails; then the next one who asks reads again. */
  of(key: string): Promise<V> {
    const { max, ageMs, now } = this.#options;
    const known = this.#values.get(key);
    if (known !== undefined && now() - known.at < ageMs()) return known.value;
    const aged = { value: this.#read(key), at: now() };
    this.#values.delete(key);
    this.#values.set(key, aged);
    for (const oldest of this.#values.keys()) {
      if (this.#values.size <= max) break;
      this.#values.delete(oldest);
    }
    aged.value.catch(() => {
      if (this.#values.get(key) === aged) this.#values.delete(key);
    });
    return aged.value;
  }

  forget(key: string): void {
    this.#values.delete(key);
  }

  clear(): void {
    this.#values.clear();
  }
}
