/** Where in the logs a row comes from. */
export interface Origin {
  readonly partition: number;
  readonly position: number;
}

/**
 * Rows of one table as the text that is inserted, in JSONCompactEachRow: names once, not in each row, where
 * they take ClickHouse as long as the rest (ADR 0012).
 */
export class Lines {
  readonly columns: readonly string[];
  readonly #lines: string[] = [];
  readonly #origins: (Origin | undefined)[] = [];
  /** What stood in a log where a row of ours was put in its place. */
  readonly unfit: (readonly [line: string, origin: Origin])[] = [];

  constructor(columns: readonly string[]) {
    this.columns = columns;
  }

  /** One value for each column, in their order. */
  add(values: readonly unknown[], origin?: Origin): void {
    this.addText(JSON.stringify(values), origin);
  }

  /** The same, as JSON already. */
  addText(line: string, origin?: Origin): void {
    this.#lines.push(line);
    this.#origins.push(origin);
  }

  get count(): number {
    return this.#lines.length;
  }

  /** Rows [from, to) alone. */
  slice(from: number, to: number): Lines {
    const some = new Lines(this.columns);
    for (let at = from; at < Math.min(to, this.count); at += 1)
      some.addText(this.#lines[at] ?? "", this.#origins[at]);
    return some;
  }

  *[Symbol.iterator](): Iterator<readonly [line: string, origin: Origin | undefined]> {
    for (const [at, line] of this.#lines.entries()) yield [line, this.#origins[at]];
  }

  toString(): string {
    return this.#lines.join("\n");
  }
}
