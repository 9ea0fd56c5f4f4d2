import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createClient } from "@clickhouse/client";
import type { Config } from "./config.ts";
import { Store } from "./store.ts";

/** A server by URL, or the engine in this process. Everything after this call is the same for both. */
export async function connectClickHouse(config: Config, database: string): Promise<Store> {
  const settings = {
    // Deciding reads see every earlier write; the watermark must not be ahead of the rows that it covers.
    select_sequential_consistency: "1" as const,
    output_format_json_quote_64bit_integers: 0 as const,
  };
  const common = {
    clickhouse_settings: settings,
    request_timeout: 30_000,
    max_open_connections: 8,
    application: "jichat-storage",
  };
  if (config.clickhouseUrl !== undefined) {
    return new Store(createClient({ url: config.clickhouseUrl, ...common }), database);
  }
  const connection = await embeddedConnection(config);
  return new Store(createClient({ connection, clickhouse_settings: settings } as never), database);
}

/** The connection of `chdb`: one process per data folder, so one storage only. */
async function embeddedConnection(config: Config): Promise<unknown> {
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
    createChdbConnection(options: { path: string }): unknown;
  };
  return chdb.createChdbConnection({ path });
}
