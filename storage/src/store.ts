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
  | "ids"
  | "watermarks"
  | "quarantine"
  | "migrations"
  | "applied";

/** Resolves once the rows stand. A server and the engine in this process take them in ways of their own. */
export type InsertLines = (table: string, lines: Lines) => Promise<unknown>;

/** ClickHouse, spoken to in one database; its errors become UNAVAILABLE with their cause. */
export class Store {
  readonly #client: ClickHouseClient;
  readonly #insertLines: InsertLines;
  readonly #queryMs: number | undefined;
  readonly database: string;

  /** A query that takes longer than `queryMs` fails; without it, as long as the client lets it. */
  constructor(client: ClickHouseClient, database: string, insertLines: InsertLines, queryMs?: number) {
    this.#client = client;
    this.#insertLines = insertLines;
    this.#queryMs = queryMs;
    this.database = database;
  }

  /**
   * `{db}` in a statement stands for the cluster's database; parameters are bound by ClickHouse, never
   * pasted. They are asked for as they are stored: in valid UTF-8.
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

  /** All rows have the columns of the first. */
  async insert(table: Table, rows: readonly Row[]): Promise<void> {
    const columns = Object.keys(rows[0] ?? {});
    const lines = new Lines(columns);
    for (const row of rows) lines.add(columns.map((column) => row[column]));
    await this.insertLines(table, lines);
  }

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
