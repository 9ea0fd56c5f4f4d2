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

/** Answered only when the rows stand; that they are on the disk by then is a setting of every table. */
const INSERT_SETTINGS = { async_insert: 0 as const };

/** ClickHouse, spoken to in one database; its errors become UNAVAILABLE with their cause. */
export class Store {
  readonly #client: ClickHouseClient;
  readonly database: string;

  constructor(client: ClickHouseClient, database: string) {
    this.#client = client;
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

  async insert(table: Table, values: readonly Row[]): Promise<void> {
    if (values.length === 0) return;
    try {
      await this.#client.insert({
        table: `${this.database}.${table}`,
        values,
        format: "JSONEachRow",
        clickhouse_settings: INSERT_SETTINGS,
      });
    } catch (cause) {
      throw new ChatError("UNAVAILABLE", `ClickHouse refused ${values.length} rows of ${table}`, { cause });
    }
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}
