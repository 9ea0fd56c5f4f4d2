import type { ClickHouseClient } from "@clickhouse/client";
import { ChatError } from "@jichat/protocol/errors.ts";

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
  | "migrations";

/**
 * Answered only when the rows stand; that they are on the disk by then is a setting of every table. A flush is
 * too small for several threads to parse it.
 */
export const INSERT_SETTINGS = { async_insert: 0 as const, input_format_parallel_parsing: 0 as const };

/** Names once, not in each row: they take ClickHouse as long as the rest (ADR 0012). */
export const INSERT_FORMAT = "JSONCompactEachRow";

/** Writes rows, each a tuple in the order of `columns`, with INSERT_SETTINGS. */
export type InsertRows = (
  table: string,
  columns: readonly string[],
  rows: readonly (readonly unknown[])[],
) => Promise<unknown>;

/** ClickHouse, spoken to in one database; its errors become UNAVAILABLE with their cause. */
export class Store {
  readonly #client: ClickHouseClient;
  readonly #insertRows: InsertRows;
  readonly database: string;

  constructor(client: ClickHouseClient, database: string, insertRows: InsertRows = insertOver(client)) {
    this.#client = client;
    this.#insertRows = insertRows;
    this.database = database;
  }

  /**
   * `{db}` in a statement stands for the cluster's database; parameters are bound by ClickHouse, never
   * pasted.
   */
  async query<T extends Row>(sql: string, params: Readonly<Record<string, unknown>> = {}): Promise<T[]> {
    try {
      const result = await this.#client.query({
        query: sql.replaceAll("{db}", this.database),
        query_params: { ...params },
        format: "JSONEachRow",
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

  /** Rows of one shape: the first one's columns are everybody's. */
  async insert(table: Table, rows: readonly Row[]): Promise<void> {
    const [first] = rows;
    if (first === undefined) return;
    const columns = Object.keys(first);
    const tuples = rows.map((row) => columns.map((column) => row[column]));
    try {
      await this.#insertRows(`${this.database}.${table}`, columns, tuples);
    } catch (cause) {
      throw new ChatError("UNAVAILABLE", `ClickHouse refused ${rows.length} rows of ${table}`, { cause });
    }
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}

const insertOver =
  (client: ClickHouseClient): InsertRows =>
  async (table, columns, rows) =>
    client.insert({
      table,
      columns: columns as [string, ...string[]],
      values: rows,
      format: INSERT_FORMAT,
      clickhouse_settings: INSERT_SETTINGS,
    });
