import type { ClickHouseClient } from "@clickhouse/client";
import { createClient } from "@clickhouse/client";

export interface StoredTable {
  readonly name: string;
  /** The statement that the server reports, and that creates the table again. */
  readonly statement: string;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

export interface StoredDatabase {
  readonly name: string;
  readonly tables: readonly StoredTable[];
}

async function withClickHouse<T>(url: string, act: (client: ClickHouseClient) => Promise<T>): Promise<T> {
  const client = createClient({ url, clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } });
  try {
    return await act(client);
  } finally {
    await client.close();
  }
}

async function rowsOf<T>(client: ClickHouseClient, query: string): Promise<T[]> {
  const answer = await client.query({ query, format: "JSONEachRow" });
  return answer.json<T>();
}

/** Copies all tables of a database with all their rows. */
export async function copyDatabase(url: string, name: string): Promise<StoredDatabase> {
  return withClickHouse(url, async (client) => {
    const tables: StoredTable[] = [];
    for (const found of await rowsOf<{ name: string }>(client, `SHOW TABLES FROM ${name}`)) {
      const table = `${name}.${found.name}`;
      const [made] = await rowsOf<{ statement: string }>(client, `SHOW CREATE TABLE ${table}`);
      if (made === undefined) throw new Error(`${table} does not say how it was made`);
      const rows = await rowsOf<StoredTable["rows"][number]>(client, `SELECT * FROM ${table} ORDER BY ALL`);
      tables.push({ name: found.name, statement: made.statement, rows });
    }
    return { name, tables };
  });
}

/** Creates a database as it was, and fills it. */
export async function restoreDatabase(url: string, { name, tables }: StoredDatabase): Promise<void> {
  await withClickHouse(url, async (client) => {
    await client.command({ query: `CREATE DATABASE ${name}` });
    for (const { name: table, statement, rows } of tables) {
      await client.command({ query: statement });
      if (rows.length > 0)
        await client.insert({ table: `${name}.${table}`, values: [...rows], format: "JSONEachRow" });
    }
  });
}
