import { hash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createClient } from "@clickhouse/client";

/**
 * ClickHouse's HTTP interface in front of the embedded engine, in a separate process, so that storage sees a
 * server. `/refuse?ms=` makes it refuse inserts for a while, like a server whose disk is full.
 */
const {
  HOST = "127.0.0.1",
  PORT = "0",
  CLICKHOUSE_EMBEDDED_PATH = "",
  CHDB_HOME = "",
  USERS_FOLDER,
} = process.env;
const home = createRequire(join(CHDB_HOME, "package.json"));
const chdb = (await import(pathToFileURL(home.resolve("chdb/connection")).href)) as {
  createChdbConnection(options: { path: string }): unknown;
};
const client = createClient({
  connection: chdb.createChdbConnection({ path: CLICKHOUSE_EMBEDDED_PATH }),
} as never);
let refuseUntil = 0;

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** Splits the query string into settings and parameters, as ClickHouse's server does. */
function settingsOf(params: URLSearchParams): {
  settings: Record<string, string>;
  values: Record<string, unknown>;
} {
  const settings: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  for (const [key, value] of params) {
    if (key.startsWith("param_")) values[key.slice(6)] = value;
    else if (!["query", "database", "query_id", "session_id", "default_format", "role"].includes(key))
      settings[key] = value;
  }
  return { settings, values };
}

/** Users, read from `users.d` as ClickHouse's server does; undefined if every client is accepted. */
function readUsers(folder: string | undefined): ReadonlyMap<string, string> | undefined {
  if (folder === undefined) return undefined;
  const files = readdirSync(folder).filter((name) => name.endsWith(".xml"));
  const text = files.map((name) => readFileSync(join(folder, name), "utf8")).join("\n");
  const users = text.matchAll(/<([\w-]+)>\s*<password_sha256_hex>([0-9a-f]{64})<\/password_sha256_hex>/g);
  return new Map([...users].map(([, user = "", digest = ""]) => [user, digest]));
}

/** A ClickHouse server rereads its files every two seconds. */
const USERS_EVERY_MS = 2_000;
let users = readUsers(USERS_FOLDER);
let usersAt = performance.now();

function isLetIn({ headers }: IncomingMessage): boolean {
  if (performance.now() - usersAt >= USERS_EVERY_MS) {
    users = readUsers(USERS_FOLDER);
    usersAt = performance.now();
  }
  if (users === undefined) return true;
  const [, basic = ""] = /^Basic (.+)$/.exec(headers.authorization ?? "") ?? [];
  const [user = "", password = ""] = Buffer.from(basic, "base64").toString("utf8").split(":", 2);
  return users.get(user) === hash("sha256", password, "hex");
}

async function answer(request: IncomingMessage): Promise<{ status: number; text: string }> {
  const url = new URL(request.url ?? "/", "http://front");
  if (url.pathname === "/refuse") {
    refuseUntil = Date.now() + Number(url.searchParams.get("ms"));
    return { status: 200, text: "ok" };
  }
  if (url.pathname === "/ping") return { status: 200, text: "Ok.\n" };
  if (!isLetIn(request))
    return { status: 403, text: "Code: 516. DB::Exception: Authentication failed. (AUTHENTICATION_FAILED)" };
  const query = url.searchParams.get("query");
  const body = await bodyOf(request);
  const statement = query === null ? body : `${query}\n${body}`;
  if (/^\s*INSERT/i.test(statement) && Date.now() < refuseUntil) {
    return {
      status: 500,
      text: "Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space. (NOT_ENOUGH_SPACE)",
    };
  }
  const { settings, values } = settingsOf(url.searchParams);
  const { stream } = await client.exec({
    query: statement,
    clickhouse_settings: settings,
    query_params: values,
  });
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return { status: 200, text };
}

createServer({ maxHeaderSize: 1_048_576 }, (request, response) => {
  answer(request).then(
    ({ status, text }) => {
      const [, code = ""] = /^Code: (\d+)/.exec(text) ?? [];
      response.writeHead(status, status === 200 ? {} : { "x-clickhouse-exception-code": code }).end(text);
    },
    (error: unknown) => {
      response.writeHead(500).end(`Code: 1000. DB::Exception: ${String(error)}`);
    },
  );
}).listen(Number(PORT), HOST);
for (const signal of ["SIGTERM", "SIGINT"] as const)
  process.on(signal, () => {
    process.exit(0);
  });
