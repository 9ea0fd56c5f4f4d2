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

/** A row of the `quarantine` table: what stood in a log where a row of ours was put in its place. */
export interface Quarantined extends Origin, Record<string, unknown> {
  readonly conversation: string;
  readonly seq: number;
  readonly table: keyof Rows;
  /** The row's values as JSON, as the log had them. */
  readonly original: string;
  readonly reason: string;
  readonly ts: number;
  /** Of `original`: rows that share all the rest are told apart. */
  readonly digest: number;
}

/** Between two of which nothing is inserted twice: what has been found by then is known the next time. */
const STATEMENTS_MAX = 1_000;
/** Rows that were told, so that a run that is written again tells nothing twice. */
const TOLD_MAX = 10_000;
const NOT_UNICODE = "not well-formed Unicode, or a number out of range";

export const valuesOfLine = (line: string): Values => JSON.parse(line) as Values;

/** A row as text, where it stood in a log, and what ClickHouse has against it. */
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
 * Inserts whatever stands in a log. Where ClickHouse refuses rows for what they are, they are halved until
 * the one is alone; something that it takes is put in its place, and the original into `quarantine`. Rows
 * that stand already may be inserted again: every read dedups by their key.
 */
export class CarefulInsert {
  readonly #store: Store;
  readonly #tell: (row: Quarantined) => void;
  readonly #told = new Set<string>();
  /** Rows that were refused alone in a flush that was not finished, with why: not looked for again. */
  readonly #refused = new Map<string, string>();
  #statements = 0;

  /** `tell` is called once for each row that was replaced, after the original stands in `quarantine`. */
  constructor(store: Store, tell: (row: Quarantined) => void = () => undefined) {
    this.#store = store;
    this.#tell = tell;
  }

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

  /** All of it stands: the next rows are others. */
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
    // Asked a second time: what is replaced for good must not have been a moment's trouble.
    const again = await this.#refusal(table, lines);
    if (again === undefined) return;
    for (const [line, origin] of lines) {
      this.#refused.set(`${table} ${line}`, reasonOf(again));
      await this.#replace(table, lines.columns, { line, origin, reason: reasonOf(again) });
    }
  }

  /** What ClickHouse has against these rows, if anything; throws where it is not for what they are. */
  async #refusal(table: keyof Rows, lines: Lines): Promise<unknown> {
    this.#statements += 1;
    if (this.#statements > STATEMENTS_MAX)
      throw new ChatError("UNAVAILABLE", `too many rows of ${table} are refused to find them all at once`);
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
      // Where even this is refused no row is to blame: nothing is let go, and the flush is tried again.
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
