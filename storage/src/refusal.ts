import { ChatError } from "@jichat/protocol/errors.ts";

/** No such column, table, database, format, setting; a statement that is none. */
const SCHEMA = "16 20 36 44 46 47 48 60 62 73 81 115 218 340 390 723";
/** Passwords, rights, quotas, read-only. */
const RIGHTS = "164 192 193 194 201 242 291 497 516 711";
/** Memory, parts, queries at once, time, disk space, threads. */
const LOAD = "159 160 173 202 241 243 252 290 439 745";
/** Files, sockets, DNS, TLS, object stores. */
const DISKS = "23 24 74 75 76 77 87 88 95 96 198 204 209 210 212 279 474 499 668";
/** Replicas, Keeper, what is being stopped or was not finished. */
const SERVERS = "225 236 254 285 286 319 341 369 394 410 517 529 571 700 733 999";
/** Defects and what other libraries threw. */
const DEFECTS = "49 246 425 1000 1001 1002";

/** What no row is to blame for. Whatever else ClickHouse says of an insert may be for what a row is. */
const NOT_THE_DATA: ReadonlySet<number> = new Set(
  [SCHEMA, RIGHTS, LOAD, DISKS, SERVERS, DEFECTS].flatMap((codes) => codes.split(" ").map(Number)),
);

/** Of a server's client the number is `code`, of the engine in this process `clickhouseCode`. */
function codeOf(cause: unknown): number | undefined {
  if (typeof cause !== "object" || cause === null) return undefined;
  const { clickhouseCode, code } = cause as { clickhouseCode?: unknown; code?: unknown };
  const number = Number(clickhouseCode ?? code);
  return Number.isInteger(number) ? number : undefined;
}

/** The code with which ClickHouse refused rows for what they are; none where it is down or in trouble. */
export function refusalOf(error: unknown): number | undefined {
  if (!(error instanceof ChatError)) return undefined;
  const code = codeOf(error.cause);
  return code === undefined || NOT_THE_DATA.has(code) ? undefined : code;
}

/** What ClickHouse said, without the row, which may be long and is kept beside it. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return String(cause instanceof Error ? cause.message : cause)
    .slice(0, 200)
    .toWellFormed();
}
