import { constant } from "./constant.ts";
import type { Component, Setting } from "./settings.ts";
import { settingOf } from "./settings.ts";

/** How a number is written. `count` is the number alone. */
export type Unit = "bytes" | "ms" | "count" | "a second" | "characters" | "code points";

/** A line of the page: one limit. */
export interface Row {
  readonly what: string;
  readonly unit: Unit;
  readonly value: number;
  /** What a deployment changes it with. */
  readonly setting?: Setting;
  /**
   * What a program or a request changes it with, such as an option of the SDK. Without either it is fixed.
   */
  readonly option?: string;
  /** What somebody sees who goes past it. */
  readonly past: string;
}

export interface Section {
  readonly title: string;
  readonly text: string;
  readonly rows: readonly Row[];
}

type Say = readonly [what: string, unit: Unit, past: string];

/** A limit that is the constant `name` of the source `path`. */
export const fixed = ([what, unit, past]: Say, path: string, name: string): Row => ({
  what,
  unit,
  past,
  value: constant(path, name),
});

/** Like `fixed`, for a default that `option` changes. */
export const optional = (say: Say, path: string, [name, option]: readonly [string, string]): Row => ({
  ...fixed(say, path, name),
  option,
});

/** A limit that a component reads from its environment. */
export function set([what, unit, past]: Say, component: Component, variable: string): Row {
  const setting = settingOf(component, variable);
  return { what, unit, past, value: setting.fallback, setting };
}

const number = (value: number): string => value.toLocaleString("en");

function binary(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let [value, unit] = [bytes, 0];
  while (value >= 1_024 && value % 1_024 === 0) [value, unit] = [value / 1_024, unit + 1];
  return `${number(value)} ${units[unit]}`;
}

const TIMES = [
  ["days", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;

function duration(ms: number): string {
  // A single day is 24 h.
  const fits = ([name, length]: (typeof TIMES)[number]): boolean =>
    ms % length === 0 && ms >= (name === "days" ? 2 : 1) * length;
  const [name, length] = TIMES.find(fits) ?? ["ms", 1];
  return `${number(ms / length)} ${name}`;
}

/** A value as the page shows it. */
export function shown(value: number, unit: Unit): string {
  if (unit === "bytes") return binary(value);
  if (unit === "ms") return duration(value);
  return unit === "count" ? number(value) : `${number(value)} ${unit}`;
}

/** A range as the page shows it: `1 to 50 a second`. */
export const shownRange = (least: number, most: number, unit: Unit): string =>
  `${unit === "a second" || unit === "count" ? number(least) : shown(least, unit)} to ${shown(most, unit)}`;
