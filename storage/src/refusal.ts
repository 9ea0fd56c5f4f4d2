import { ChatError } from "@jichat/protocol/errors.ts";

/** ClickHouse error codes. Unknown column, table, database, format or setting; a malformed statement. */
const SCHEMA = "16 20 36 44 46 47 48 60 62 73 81 115 218 340 390 723";
/** Passwords, rights, quotas, read-only. */
const RIGHTS = "164 192 193 194 201 242 291 497 516 711";
/** Limits of memory, parts, concurrent queries, time, disk space or threads. */
const LOAD = "159 160 173 202 241 243 252 290 439 745";
/** Files, sockets, DNS, TLS, object stores. */
const DISKS = "23 24 74 75 76 77 87 88 95 96 198 204 209 210 212 279 474 499 668";
/** Replicas, Keeper, shutdown, unfinished operations. */
const SERVERS = "225 236 254 285 286 319 341 369 394 410 517 529 571 700 733 999";
/** Defects, and exceptions of other libraries. */
const DEFECTS = "49 246 425 1000 1001 1002";

/** Codes that no row can cause. Any other code of an insert may be caused by a row's content. */
const NOT_THE_DATA: ReadonlySet<number> = new Set(
  [SCHEMA, RIGHTS, LOAD, DISKS, SERVERS, DEFECTS].flatMap((codes) => codes.split(" ").map(Number)),
);

/** The error code. The server's client has it in `code`, the embedded engine in `clickhouseCode`. */
function codeOf(cause: unknown): number | undefined {
  if (typeof cause !== "object" || cause === null) return undefined;
  const { clickhouseCode, code } = cause as { clickhouseCode?: unknown; code?: unknown };
  const number = Number(clickhouseCode ?? code);
  return Number.isInteger(number) ? number : undefined;
}

/**
 * The code with which ClickHouse refused rows for their content. Undefined if the cause is something else,
 * such as an outage.
 */
export function refusalOf(error: unknown): number | undefined {
  if (!(error instanceof ChatError)) return undefined;
  const code = codeOf(error.cause);
  return code === undefined || NOT_THE_DATA.has(code) ? undefined : code;
}

/**
 * ClickHouse's message, cut to 200 characters: it may quote the row, which can be long and is stored
 * separately.
 */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return String(cause instanceof Error ? cause.message : cause)
    .slice(0, 200)
    .toWellFormed();
}
