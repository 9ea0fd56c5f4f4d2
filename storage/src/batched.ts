/**
 * Answers many small questions with few queries: whatever is asked while one query runs is answered by the
 * next, for all askers together. A cold start, or a lost Redis, makes everybody ask at once, and a query
 * costs ClickHouse milliseconds whether it is about one key or about five hundred.
 */
export class Batched<Value> {
  readonly #query: (keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>;
  readonly #keysMax: number;
  #waiting = new Map<
    string,
    {
      readonly promise: Promise<Value | undefined>;
      resolve(value: Value | undefined): void;
      reject(error: unknown): void;
    }
  >();
  #running = false;

  /** `query` is given at most `keysMax` different keys, and may leave out those that it knows nothing of. */
  constructor(query: (keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>, keysMax = 500) {
    this.#query = query;
    this.#keysMax = keysMax;
  }

  /** What a query that begins after this call says of `key`. */
  of(key: string): Promise<Value | undefined> {
    const known = this.#waiting.get(key);
    if (known !== undefined) return known.promise;
    const asked = Promise.withResolvers<Value | undefined>();
    this.#waiting.set(key, asked);
    if (!this.#running) {
      this.#running = true;
      setImmediate(() => void this.#run());
    }
    return asked.promise;
  }

  async #run(): Promise<void> {
    while (this.#waiting.size > 0) {
      const asked = [...this.#waiting].slice(0, this.#keysMax);
      for (const [key] of asked) this.#waiting.delete(key);
      try {
        const found = await this.#query(asked.map(([key]) => key));
        for (const [key, waiting] of asked) waiting.resolve(found.get(key));
      } catch (error) {
        for (const [, waiting] of asked) waiting.reject(error);
      }
    }
    this.#running = false;
  }
}

/** Rows by a key of theirs, in the order in which they came. */
export function groupBy<Row>(rows: readonly Row[], keyOf: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [row]);
    else known.push(row);
  }
  return groups;
}
