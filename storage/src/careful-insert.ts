import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { Values } from "./fit.ts";
import { placeholder, repaired } from "./fit.ts";
import type { Origin } from "./lines.ts";
import { Lines } from "./lines.ts";
import { reasonOf, refusalOf } from "./refusal.ts";
import type { Rows } from "./rows.ts";
import { digestOfText } from "./rows.ts";
import type { Store } from "./store.ts";

/** A row of the `quarantine` table: the original of a log row that was replaced. */
export interface Quarantined extends Origin, Record<string, unknown> {
  readonly conversation: string;
  readonly seq: number;
  readonly table: keyof Rows;
  /** The row's values as JSON, as the log had them. */
  readonly original: string;
  readonly reason: string;
  readonly ts: number;
  /** Digest of `original`. It tells rows apart that are equal in all key columns. */
  readonly digest: number;
}

/**
 * Statements of one insert. When the limit is reached, the rows found so far are remembered for the next try.
 */
const STATEMENTS_MAX = 1_000;
/** Replaced rows that were already reported, so that rewriting a run reports none twice. */
const TOLD_MAX = 10_000;
const NOT_UNICODE = "not well-formed Unicode, or a number out of range";

export const valuesOfLine = (line: string): Values => JSON.parse(line) as Values;

/** A row's text, its place in the log, and the reason why ClickHouse refuses it. */
interface RefusedLine {
  readonly line: string;
  readonly origin: Origin | undefined;
  readonly reason: string;
}

function quarantinedOf(
  table: keyof Rows,
  columns: readonly string[],
  { line, origin, reason }: RefusedLine,
): Quarantined {
  const values = repaired(columns, valuesOfLine(line));
  const of = (column: string): unknown => values[columns.indexOf(column)];
  return {
    partition: origin?.partition ?? 0,
    position: origin?.position ?? 0,
    conversation: String(of("conversation")),
    seq: Number(of("seq") ?? of("head") ?? 0),
    table,
    original: line,
    reason,
    ts: systemClock.now(),
    digest: digestOfText(line),
  };
}

/**
 * Inserts anything that a log may hold. If ClickHouse refuses rows because of their content, the rows are
 * halved until the bad one is alone. A row that ClickHouse accepts replaces it, and the original goes to
 * `quarantine`. Rows may be inserted twice, because every read removes duplicates by key.
 */
export class CarefulInsert {
  readonly #store: Store;
  readonly #tell: (row: Quarantined) => void;
  readonly #told = new Set<string>();
  /**
   * Bad rows that an unfinished flush has found, with the reason. The next try does not search for them
   * again.
   */
  readonly #refused = new Map<string, string>();
  #statements = 0;

  /** `tell` is called once for each replaced row, after the original is in `quarantine`. */
  constructor(store: Store, tell: (row: Quarantined) => void = () => undefined) {
    this.#store = store;
    this.#tell = tell;
  }

  /**
   * Inserts rows; resolves once all of them, or their replacements, are durable. Throws UNAVAILABLE if
   * ClickHouse is down, or if more than `STATEMENTS_MAX` statements are needed; the caller then tries the
   * same rows again.
   */
  async insert(table: keyof Rows, lines: Lines): Promise<void> {
    const unfit = lines.unfit.map(([line, origin]) =>
      quarantinedOf(table, lines.columns, { line, origin, reason: NOT_UNICODE }),
    );
    await this.#quarantine(unfit);
    this.#statements = 0;
    if (this.#refused.size === 0) {
      await this.#halving(table, lines);
      return;
    }
    const others = new Lines(lines.columns);
    for (const [line, origin] of lines) {
      const reason = this.#refused.get(`${table} ${line}`);
      if (reason === undefined) others.addText(line, origin);
      else await this.#replace(table, lines.columns, { line, origin, reason });
    }
    await this.#halving(table, others);
  }

  /** Call when the whole flush is durable. The next flush has other rows. */
  finished(): void {
    this.#refused.clear();
  }

  async #halving(table: keyof Rows, lines: Lines): Promise<void> {
    const error = await this.#refusal(table, lines);
    if (error === undefined) return;
    if (lines.count > 1) {
      const middle = Math.ceil(lines.count / 2);
      await this.#halving(table, lines.slice(0, middle));
      await this.#halving(table, lines.slice(middle, lines.count));
      return;
    }
    // Tries a second time: a permanent replacement must not rest on a temporary failure.
    const again = await this.#refusal(table, lines);
    if (again === undefined) return;
    for (const [line, origin] of lines) {
      this.#refused.set(`${table} ${line}`, reasonOf(again));
      await this.#replace(table, lines.columns, { line, origin, reason: reasonOf(again) });
    }
  }

  /**
   * The error with which ClickHouse refuses these rows for their content, or undefined. Throws every other
   * error.
   */
  async #refusal(table: keyof Rows, lines: Lines): Promise<unknown> {
    this.#statements += 1;
    if (this.#statements > STATEMENTS_MAX)
      throw new ChatError(
        "UNAVAILABLE",
        `ClickHouse refuses too many rows of ${table} to find all of them in one attempt: the next one goes on`,
      );
    try {
      await this.#store.insertLines(table, lines);
      return undefined;
    } catch (error) {
      if (refusalOf(error) === undefined) throw error;
      return error;
    }
  }

  async #replace(
    table: keyof Rows,
    columns: readonly string[],
    { line, origin, reason }: RefusedLine,
  ): Promise<void> {
    const values = valuesOfLine(line);
    const better = new Lines(columns);
    better.add(repaired(columns, values));
    if (better.toString() === line || (await this.#refusal(table, better)) !== undefined) {
      const last = new Lines(columns);
      last.add(placeholder(columns, values));
      // If even the placeholder is refused, the row is not the cause. The insert fails, and the flush is
      // tried again.
      await this.#store.insertLines(table, last);
    }
    await this.#quarantine([quarantinedOf(table, columns, { line, origin, reason })]);
  }

  async #quarantine(rows: readonly Quarantined[]): Promise<void> {
    if (rows.length === 0) return;
    await this.#store.insert("quarantine", rows);
    for (const row of rows) {
      const key = `${row.partition} ${row.position} ${row.table} ${row.digest}`;
      if (this.#told.has(key)) continue;
      if (this.#told.size >= TOLD_MAX) this.#told.clear();
      this.#told.add(key);
      this.#tell(row);
    }
  }
}
