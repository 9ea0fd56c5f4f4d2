import { Rounds } from "@jichat/runtime/rounds.ts";

/**
 * Answers many small queries with few large ones: all keys that are asked for while one query runs go into
 * the next. After a cold start or a loss of Redis everybody asks at once, and a query costs ClickHouse
 * milliseconds, for one key or for five hundred.
 */
export class Batched<Value> {
  readonly #rounds: Rounds<string, ReadonlyMap<string, Value>>;
  /** Keys of the round that has not begun yet. */
  readonly #asked = new Map<string, Promise<Value | undefined>>();

  /** `query` gets at most `keysMax` different keys. It may omit keys that it finds nothing for. */
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

  /** The value of `key` from a query that begins after this call. */
  of(key: string): Promise<Value | undefined> {
    const known = this.#asked.get(key);
    if (known !== undefined) return known;
    const asked = this.#rounds.submit(key).then((found) => found.get(key));
    this.#asked.set(key, asked);
    return asked;
  }
}

/** Groups rows by a key. The order within each group is kept. */
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
