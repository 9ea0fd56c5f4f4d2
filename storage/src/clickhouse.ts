import { mkdirSync } from "node:fs";
import { Agent } from "node:https";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { pathToFileURL } from "node:url";
import type { ClickHouseClient } from "@clickhouse/client";
import { createClient } from "@clickhouse/client";
import type { Config } from "./config.ts";
import type { InsertLines } from "./store.ts";
import { Store } from "./store.ts";

/**
 * Inserts are answered only when the rows are written; every table's settings make that mean on disk. A flush
 * is too small for parallel parsing.
 */
const INSERT_SETTINGS = { async_insert: 0 as const, input_format_parallel_parsing: 0 as const };
const INSERT_FORMAT = "JSONCompactEachRow";

const CONNECTIONS = 8;

/** ClickHouse's location: a server's URL, or a folder for the embedded engine. */
export type WhereClickHouse = Partial<
  Pick<Config, "clickhouseUrl" | "clickhouseTls" | "embeddedPath" | "chdbHome">
>;

/**
 * Connects to a server, or opens the embedded engine. The rest of the code is the same for both, except that
 * `queryMs` limits queries only over the network.
 */
export async function connectClickHouse(
  config: WhereClickHouse,
  database: string,
  { queryMs }: { readonly queryMs?: number } = {},
): Promise<Store> {
  const settings = {
    // Reads that decisions rest on see all earlier writes. The watermark must never be ahead of the rows that
    // it covers.
    select_sequential_consistency: "1" as const,
    output_format_json_quote_64bit_integers: 0 as const,
  };
  const common = {
    clickhouse_settings: settings,
    request_timeout: 30_000,
    max_open_connections: CONNECTIONS,
    application: "jichat-storage",
  };
  if (config.clickhouseUrl !== undefined) {
    // The client's own `tls` option with a certificate authenticates by that certificate and omits the
    // password.
    const agent =
      config.clickhouseTls === undefined
        ? undefined
        : new Agent({ keepAlive: true, maxSockets: CONNECTIONS, ...config.clickhouseTls });
    const client = createClient({
      url: config.clickhouseUrl,
      ...common,
      ...(agent === undefined ? {} : { http_agent: agent }),
    });
    return new Store(client, database, insertOver(client), queryMs);
  }
  const connection = await embeddedConnection(config);
  const client = createClient({ connection, clickhouse_settings: settings } as never);
  return new Store(client, database, insertInto(connection));
}

/** Uses `exec`, because `insert` accepts rows only as values, and would encode them as JSON a second time. */
const insertOver =
  (client: ClickHouseClient): InsertLines =>
  async (table, lines) => {
    const { stream } = await client.exec({
      query: `INSERT INTO ${table} (${lines.columns.join(", ")}) FORMAT ${INSERT_FORMAT}`,
      values: Readable.from([lines.toString()], { objectMode: false }),
      clickhouse_settings: INSERT_SETTINGS,
    });
    await finished(stream.resume());
  };

/** The part of `chdb/connection` that is used here. */
interface EmbeddedConnection {
  readonly chdb: {
    rawInsert(insert: {
      readonly table: string;
      readonly columns: readonly string[];
      readonly values: Buffer;
      readonly format: string;
      readonly settings: Readonly<Record<string, number>>;
    }): Promise<unknown>;
  };
}

/**
 * Uses `rawInsert`, because `insert` would put the rows into the statement text, which the engine then parses
 * twice.
 */
const insertInto =
  ({ chdb }: EmbeddedConnection): InsertLines =>
  async (table, lines) =>
    chdb.rawInsert({
      table,
      columns: lines.columns,
      values: Buffer.from(lines.toString()),
      format: INSERT_FORMAT,
      settings: INSERT_SETTINGS,
    });

/** Opens the `chdb` connection. Only one process can use a data folder, so the cluster has one storage. */
async function embeddedConnection(config: WhereClickHouse): Promise<EmbeddedConnection> {
  const path = config.embeddedPath ?? "";
  mkdirSync(path, { recursive: true });
  const home = createRequire(join(config.chdbHome ?? process.cwd(), "package.json"));
  let entry: string;
  try {
    entry = home.resolve("chdb/connection");
  } catch (cause) {
    throw new Error(
      "the embedded ClickHouse engine is not installed: set CHDB_HOME to a folder with node_modules/chdb, or CLICKHOUSE_URL to a server",
      { cause },
    );
  }
  const chdb = (await import(pathToFileURL(entry).href)) as {
    createChdbConnection(options: { path: string }): EmbeddedConnection;
  };
  return chdb.createChdbConnection({ path });
}
