import { wellFormedValue } from "@jichat/protocol/frame/well-formed.ts";

/** One row's values, in the order of their columns. */
export type Values = readonly unknown[];

/** Columns whose rows ClickHouse would refuse, or change, for other values; all others are text. */
const NUMBERS: ReadonlySet<string> = new Set([
  "seq",
  "no",
  "ts",
  "reply_to",
  "target",
  "partition",
  "position",
  "digest",
  "joined",
  "head",
]);
const LISTS: ReadonlySet<string> = new Set(["mentions", "users"]);
/** What people wrote: a row is found without it. Who may read, and what is left to read, are not. */
const WRITTEN: ReadonlySet<string> = new Set(["body", "name", "id", "mentions", "extra"]);

const isNumber = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isText = (value: unknown): value is string => typeof value === "string" && value.isWellFormed();

const isList = (value: unknown): boolean => Array.isArray(value) && value.every(isText);

function checkFor(column: string): (value: unknown) => boolean {
  if (NUMBERS.has(column)) return isNumber;
  return LISTS.has(column) ? isList : isText;
}

/** Looked up once for each list of columns: rows are many. */
const checks = new WeakMap<readonly string[], ((value: unknown) => boolean)[]>();

/** Whether ClickHouse takes these values, of the first columns at least, and gives them back as they are. */
export function isFit(columns: readonly string[], values: Values): boolean {
  let known = checks.get(columns);
  if (known === undefined) checks.set(columns, (known = columns.map(checkFor)));
  for (let at = 0; at < values.length; at += 1) if (known[at]?.(values[at]) !== true) return false;
  return true;
}

const textOf = (value: unknown): string => (typeof value === "string" ? value.toWellFormed() : "");

function fitted(column: string, value: unknown): unknown {
  if (NUMBERS.has(column)) return isNumber(value) ? value : 0;
  if (LISTS.has(column)) return Array.isArray(value) ? value.map(textOf) : [];
  return column === "body" || column === "extra" ? wellFormedValue(textOf(value), true) : textOf(value);
}

/** The same row with U+FFFD for what is no Unicode, and nothing for what is of another kind. */
export const repaired = (columns: readonly string[], values: Values): Values =>
  columns.map((column, at) => fitted(column, values[at]));

/** What stands for a row that is refused even so: its numbers and its keys, so that no page has a hole. */
export const placeholder = (columns: readonly string[], values: Values): Values =>
  columns.map((column, at) => {
    if (!WRITTEN.has(column) || isKey(columns, column)) return fitted(column, values[at]);
    return LISTS.has(column) ? [] : "";
  });

/** A remembered id is what its row is for. */
const isKey = (columns: readonly string[], column: string): boolean =>
  column === "id" && !columns.includes("body");

/** As ClickHouse gives halves back that it took unrepaired: each was three bytes that are no UTF-8. */
export const asOnceTaken = (values: Values): Values =>
  values.map((value) => {
    if (Array.isArray(value)) return asOnceTaken(value);
    return typeof value === "string" && !value.isWellFormed()
      ? value.toWellFormed().replaceAll("\ufffd", "\ufffd".repeat(3))
      : value;
  });
