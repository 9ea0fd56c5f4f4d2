import type { ClickHouseClient } from "@clickhouse/client";
import { ChatError } from "@jichat/protocol/errors.ts";
import { wellFormedValue } from "@jichat/protocol/frame/well-formed.ts";
import { Lines } from "./lines.ts";

export type Row = Readonly<Record<string, unknown>>;
export type Table =
  | "events"
  | "edits"
  | "lifecycle"
  | "memberships"
  | "heads"
  | "marks"
  | "settings"
  | "ids"
  | "watermarks"
  | "quarantine"
  | "migrations"
  | "applied";

/**
 * Inserts rows, and resolves once they are durable. The server and the embedded engine have different ways of
 * doing it.
 */
export type InsertLines = (table: string, lines: Lines) => Promise<unknown>;

/** Access to one ClickHouse database. Its errors become UNAVAILABLE, with the original as `cause`. */
export class Store {
  readonly #client: ClickHouseClient;
  readonly #insertLines: InsertLines;
  readonly #queryMs: number | undefined;
  readonly database: string;

  /** A query that takes longer than `queryMs` fails. Without `queryMs` the client's own limit applies. */
  constructor(client: ClickHouseClient, database: string, insertLines: InsertLines, queryMs?: number) {
    this.#client = client;
    this.#insertLines = insertLines;
    this.#queryMs = queryMs;
    this.database = database;
  }

  /**
   * Runs a query. `{db}` stands for the cluster's database. ClickHouse binds the parameters; they never
   * become part of the text. They are made well-formed Unicode first, as stored values are.
   */
  async query<T extends Row>(sql: string, params: Readonly<Record<string, unknown>> = {}): Promise<T[]> {
    try {
      const result = await this.#client.query({
        query: sql.replaceAll("{db}", this.database),
        query_params: Object.fromEntries(
          Object.entries(params).map(([name, value]) => [name, wellFormedValue(value)]),
        ),
        format: "JSONEachRow",
        ...(this.#queryMs === undefined ? {} : { abort_signal: AbortSignal.timeout(this.#queryMs) }),
      });
      return await result.json<T>();
    } catch (cause) {
      throw new ChatError("UNAVAILABLE", "ClickHouse did not answer a query", { cause });
    }
  }

  async command(sql: string): Promise<void> {
    try {
      await this.#client.command({ query: sql.replaceAll("{db}", this.database) });
    } catch (cause) {
      throw new ChatError("UNAVAILABLE", "ClickHouse refused a statement", { cause });
    }
  }

  /** Inserts rows that all have the columns of the first one. */
  async insert(table: Table, rows: readonly Row[]): Promise<void> {
    const columns = Object.keys(rows[0] ?? {});
    const lines = new Lines(columns);
    for (const row of rows) lines.add(columns.map((column) => row[column]));
    await this.insertLines(table, lines);
  }

  /** Inserts rows that are already encoded. Resolves once they are durable. */
  async insertLines(table: Table, lines: Lines): Promise<void> {
    if (lines.count === 0) return;
    try {
      await this.#insertLines(`${this.database}.${table}`, lines);
    } catch (cause) {
      throw new ChatError("UNAVAILABLE", `ClickHouse refused ${lines.count} rows of ${table}`, { cause });
    }
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}
