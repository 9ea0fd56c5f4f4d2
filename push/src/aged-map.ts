/** A value that was asked for, and when. */
interface Aged<V> {
  readonly value: Promise<V>;
  readonly at: number;
  /** 1 until it is read. */
  weight: number;
}

interface AgedMapOptions<V> {
  /** Most weight of all values together. Those that were read longest ago go first. */
  readonly max: number;
  /** What a value takes, at least 1. Default: 1, so that `max` is a number of keys. */
  readonly weightOf?: (value: V) => number;
  /** Milliseconds after which a value is read again. */
  readonly ageMs: () => number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** A bounded cache of what is read, with an age limit. Those who ask for one key at once share one read. */
export class AgedMap<V> {
  readonly #read: (key: string) => Promise<V>;
  readonly #options: AgedMapOptions<V>;
  readonly #values = new Map<string, Aged<V>>();
  #weight = 0;

  constructor(read: (key: string) => Promise<V>, options: AgedMapOptions<V>) {
    this.#read = read;
    this.#options = options;
  }

  get size(): number {
    return this.#values.size;
  }

  /** Rejects if the read fails; then the next one who asks reads again. */
  of(key: string): Promise<V> {
    const { ageMs, now } = this.#options;
    const known = this.#values.get(key);
    if (known !== undefined && now() - known.at < ageMs()) return known.value;
    const aged = { value: this.#read(key), at: now(), weight: 1 };
    this.forget(key);
    this.#values.set(key, aged);
    this.#add(1);
    aged.value.then(
      (value) => {
        if (this.#values.get(key) === aged) this.#weigh(aged, value);
      },
      () => {
        if (this.#values.get(key) === aged) this.forget(key);
      },
    );
    return aged.value;
  }

  forget(key: string): void {
    this.#weight -= this.#values.get(key)?.weight ?? 0;
    this.#values.delete(key);
  }

  clear(): void {
    this.#values.clear();
    this.#weight = 0;
  }

  #weigh(aged: Aged<V>, value: V): void {
    const { weightOf } = this.#options;
    if (weightOf === undefined) return;
    const before = aged.weight;
    aged.weight = weightOf(value);
    this.#add(aged.weight - before);
  }

  #add(weight: number): void {
    this.#weight += weight;
    for (const oldest of this.#values.keys()) {
      if (this.#weight <= this.#options.max) return;
      this.forget(oldest);
    }
  }
}
