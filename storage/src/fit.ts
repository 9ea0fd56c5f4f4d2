import { wellFormedValue } from "@jichat/protocol/frame/well-formed.ts";

/** One row's values, in the order of their columns. */
export type Values = readonly unknown[];

/**
 * Numeric columns: ClickHouse would refuse or change other values. All columns beside these and `LISTS` are
 * text.
 */
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
/**
 * Columns that users fill. A row can be found without them. The columns that decide who may read what are not
 * among them.
 */
const WRITTEN: ReadonlySet<string> = new Set(["body", "name", "id", "mentions", "extra"]);

const isNumber = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isText = (value: unknown): value is string => typeof value === "string" && value.isWellFormed();

const isList = (value: unknown): boolean => Array.isArray(value) && value.every(isText);

function checkFor(column: string): (value: unknown) => boolean {
  if (NUMBERS.has(column)) return isNumber;
  return LISTS.has(column) ? isList : isText;
}

/** Cached for each list of columns, because there are many rows. */
const checks = new WeakMap<readonly string[], ((value: unknown) => boolean)[]>();

/**
 * Whether ClickHouse stores these values and returns them unchanged. `values` may cover only the first
 * columns.
 */
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

/** The same row with U+FFFD for invalid Unicode, and an empty value for a wrong type. */
export const repaired = (columns: readonly string[], values: Values): Values =>
  columns.map((column, at) => fitted(column, values[at]));

/**
 * A replacement for a row that is refused even when repaired. It keeps the numbers and keys, so that no page
 * has a hole.
 */
export const placeholder = (columns: readonly string[], values: Values): Values =>
  columns.map((column, at) => {
    if (!WRITTEN.has(column) || isKey(columns, column)) return fitted(column, values[at]);
    return LISTS.has(column) ? [] : "";
  });

/** In the `ids` table, `id` is the key itself. */
const isKey = (columns: readonly string[], column: string): boolean =>
  column === "id" && !columns.includes("body");

/**
 * These values as ClickHouse returned them before rows were repaired: each lone surrogate was three invalid
 * UTF-8 bytes.
 */
export const asOnceTaken = (values: Values): Values =>
  values.map((value) => {
    if (Array.isArray(value)) return asOnceTaken(value);
    return typeof value === "string" && !value.isWellFormed()
      ? value.toWellFormed().replaceAll("\ufffd", "\ufffd".repeat(3))
      : value;
  });
