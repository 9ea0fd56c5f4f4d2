/** One line of the table: what was measured, its target, and what was measured beside it in the same run. */
export interface Row {
  readonly what: string;
  /** As in docs/results.md: `≥ 20,000 msg/s`. */
  readonly target: string;
  readonly measured: string;
  /** The part of the target that is reached; 1 or more means all of it. */
  readonly share: number;
  /** The results of all runs, in order. The figure is their median. */
  readonly runs: readonly number[];
  /** Durability, the raw limits of the same run, and other facts without which the figure means nothing. */
  readonly beside: string;
}

export type Say = (line: string) => void;

/** A part of the benchmark: `make bench ONLY=name`. */
export interface Figure {
  readonly name: string;
  readonly what: string;
  measure(say: Say): Promise<readonly Row[]>;
}

/** The middle value; the upper one of an even number of values. NaN if there are none. */
export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((x, y) => x - y);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};

/** Runs a measurement three times, one after the other. */
export async function thrice<T>(measure: (run: number) => Promise<T>): Promise<readonly T[]> {
  const results: T[] = [];
  for (let run = 0; run < 3; run += 1) results.push(await measure(run));
  return results;
}

/** The duration of generators that began together: that of the slowest. */
export const longest = (shares: readonly { readonly ms: number }[]): number =>
  Math.max(...shares.map(({ ms }) => ms));
/** The rate of generators that began together, over the duration of the slowest. */
export const perSecond = (shares: readonly { readonly timed: number; readonly ms: number }[]): number =>
  (1_000 * shares.reduce((sum, { timed }) => sum + timed, 0)) / longest(shares);

/** The reached share of a target. `sign` says whether the figure should be at least or at most the target. */
export const shareOf = (measured: number, sign: "≥" | "≤", target: number): number =>
  sign === "≥" ? measured / target : target / measured;

export const count = (value: number): string => Math.round(value).toLocaleString("en");
export const range = (values: readonly number[], format: (value: number) => string = count): string =>
  `${format(Math.min(...values))} to ${format(Math.max(...values))}`;
