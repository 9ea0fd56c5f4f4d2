/**
 * Rows of one table as the text that is inserted, in JSONCompactEachRow: names once, not in each row, where
 * they take ClickHouse as long as the rest (ADR 0012).
 */
export class Lines {
  readonly columns: readonly string[];
  readonly #lines: string[] = [];

  constructor(columns: readonly string[]) {
    this.columns = columns;
  }

  /** One value for each column, in their order. */
  add(values: readonly unknown[]): void {
    this.addText(JSON.stringify(values));
  }

  /** The same, as JSON already. */
  addText(line: string): void {
    this.#lines.push(line);
  }

  get count(): number {
    return this.#lines.length;
  }

  toString(): string {
    return this.#lines.join("\n");
  }
}
