/** A row's place in the logs. */
export interface Origin {
  readonly partition: number;
  readonly position: number;
}

/**
 * Rows of one table as insert text in JSONCompactEachRow. The column names are not in each row, where parsing
 * them would take ClickHouse as long as the rest (ADR 0012).
 */
export class Lines {
  readonly columns: readonly string[];
  readonly #lines: string[] = [];
  readonly #origins: (Origin | undefined)[] = [];
  /** Originals of rows that were replaced before the insert. */
  readonly unfit: (readonly [line: string, origin: Origin])[] = [];

  constructor(columns: readonly string[]) {
    this.columns = columns;
  }

  /** Adds a row with one value for each column, in order. */
  add(values: readonly unknown[], origin?: Origin): void {
    this.addText(JSON.stringify(values), origin);
  }

  /** Adds a row that is already encoded as a JSON array. */
  addText(line: string, origin?: Origin): void {
    this.#lines.push(line);
    this.#origins.push(origin);
  }

  get count(): number {
    return this.#lines.length;
  }

  /** Only the rows [from, to). */
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
