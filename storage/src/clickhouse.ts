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
 * Answered only when the rows stand; that they are on the disk by then is a setting of every table. A flush
 * is too small for several threads to parse it.
 */
const INSERT_SETTINGS = { async_insert: 0 as const, input_format_parallel_parsing: 0 as const };
const INSERT_FORMAT = "JSONCompactEachRow";

const CONNECTIONS = 8;

/** Where ClickHouse is: a server's URL, or a folder for the engine in this process. */
export type WhereClickHouse = Partial<
  Pick<Config, "clickhouseUrl" | "clickhouseTls" | "embeddedPath" | "chdbHome">
>;

/**
 * A server by URL, or the engine in this process. Everything after this call is the same for both, but that
 * `queryMs` limits queries over the network.
 */
export async function connectClickHouse(
  config: WhereClickHouse,
  database: string,
  { queryMs }: { readonly queryMs?: number } = {},
): Promise<Store> {
  const settings = {
    // Deciding reads see every earlier write; the watermark must not be ahead of the rows that it covers.
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
    // The library's own `tls` with a certificate says who we are by it, and leaves the password out.
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

/** By `exec`: `insert` takes rows as values only, and would write them as JSON a second time. */
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

/** As much of `chdb/connection` as is used here. */
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

/** Its `insert` would paste the rows into the statement, which the engine then reads twice. */
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

/** The connection of `chdb`: one process per data folder, so one storage only. */
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
