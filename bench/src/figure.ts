/** One line of the table: what was measured, what it must reach, and what stood beside it in the same run. */
export interface Row {
  readonly what: string;
  /** As docs/results.md has it: `≥ 20,000 msg/s`. */
  readonly target: string;
  readonly measured: string;
  /** How much of the target is reached; 1 and above is all of it. */
  readonly share: number;
  /** Of all runs, in their order: the figure is their median. */
  readonly runs: readonly number[];
  /** Durability, raw limits of the same run, and what else the figure means nothing without. */
  readonly beside: string;
}

export type Say = (line: string) => void;

/** A part of the bench: `make bench ONLY=name`. */
export interface Figure {
  readonly name: string;
  readonly what: string;
  measure(say: Say): Promise<readonly Row[]>;
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((x, y) => x - y);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};

/** Three times, one after the other. */
export async function thrice<T>(measure: (run: number) => Promise<T>): Promise<readonly T[]> {
  const results: T[] = [];
  for (let run = 0; run < 3; run += 1) results.push(await measure(run));
  return results;
}

/** Of generators that began together: it took as long as the slowest did. */
export const longest = (shares: readonly { readonly ms: number }[]): number =>
  Math.max(...shares.map(({ ms }) => ms));
export const perSecond = (shares: readonly { readonly timed: number; readonly ms: number }[]): number =>
  (1_000 * shares.reduce((sum, { timed }) => sum + timed, 0)) / longest(shares);

/** Reached where the figure is at least the target, or at most, as `target` says by its sign. */
export const shareOf = (measured: number, sign: "≥" | "≤", target: number): number =>
  sign === "≥" ? measured / target : target / measured;

export const count = (value: number): string => Math.round(value).toLocaleString("en");
export const range = (values: readonly number[], format: (value: number) => string = count): string =>
  `${format(Math.min(...values))} to ${format(Math.max(...values))}`;
