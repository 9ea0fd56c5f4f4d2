import { Rounds } from "@jichat/runtime/rounds.ts";

/**
 * Answers many small questions with few queries: whatever is asked while one query runs is answered by the
 * next, for all askers together. A cold start, or a lost Redis, makes everybody ask at once, and a query
 * costs ClickHouse milliseconds whether it is about one key or about five hundred.
 */
export class Batched<Value> {
  readonly #rounds: Rounds<string, ReadonlyMap<string, Value>>;
  /** What is asked by the round that has not begun yet. */
  readonly #asked = new Map<string, Promise<Value | undefined>>();

  /** `query` is given at most `keysMax` different keys, and may leave out those that it knows nothing of. */
  constructor(query: (keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>, keysMax = 500) {
    this.#rounds = new Rounds(
      async (keys) => {
        for (const key of keys) this.#asked.delete(key);
        return query(keys);
      },
      () => 1,
      keysMax,
    );
  }

  /** What a query that begins after this call says of `key`. */
  of(key: string): Promise<Value | undefined> {
    const known = this.#asked.get(key);
    if (known !== undefined) return known;
    const asked = this.#rounds.submit(key).then((found) => found.get(key));
    this.#asked.set(key, asked);
    return asked;
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
