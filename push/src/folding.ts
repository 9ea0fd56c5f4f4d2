/** Within this time four notifications of a conversation go out one by one. From the fifth on they fold. */
export const BURST_MS = 10_000;
export const BURST_MAX = 4;
/** A folded notification waits for as long, and stands for all that come meanwhile. */
export const FOLD_MS = 3_000;

/** The latest messages of one conversation for one device. */
export interface Burst {
  /** Monotonic milliseconds of the last messages, at most `BURST_MAX`. */
  readonly times: readonly number[];
  /** Messages since the burst began. */
  readonly count: number;
}

export const NO_BURST: Burst = { times: [], count: 0 };

/** What becomes of one more message: it goes out alone, or waits as the latest of `count` until `dueMs`. */
export type Fold =
  | { readonly is: "alone" }
  | { readonly is: "folded"; readonly count: number; readonly dueMs: number };

/** Pure: takes one more message into a burst at `now`, monotonic milliseconds. */
export function foldNext(burst: Burst, now: number): { readonly burst: Burst; readonly fold: Fold } {
  const recent = burst.times.filter((time) => now - time < BURST_MS);
  const count = recent.length === 0 ? 1 : burst.count + 1;
  const next = { times: [...recent, now].slice(-BURST_MAX), count };
  if (recent.length < BURST_MAX) return { burst: next, fold: { is: "alone" } };
  return { burst: next, fold: { is: "folded", count, dueMs: now + FOLD_MS } };
}
