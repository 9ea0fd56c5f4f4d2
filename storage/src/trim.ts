import type { PartitionLog } from "@jichat/log/partition-log.ts";
import type { Logger } from "pino";
import type { Store } from "./store.ts";
import { replayRange, verifyRange } from "./verify.ts";

const GRACE_OFF_RATIO = 0.7;
/** Positions compared at once. The range is read into memory. */
const RANGE_MAX = 2_000;

export interface TrimLimits {
  /** Batches above this position may be missing from ClickHouse. */
  readonly watermark: number;
  /** Effects of batches above this position may have to be redone from the log. */
  readonly done: number;
  readonly graceMs: number;
  readonly now: number;
}

/**
 * The highest position that may be trimmed, leaving age aside: in ClickHouse, effects done, and never the
 * last batch. Pure.
 */
export function trimTarget(end: number, limits: Pick<TrimLimits, "watermark" | "done">): number {
  return Math.max(0, Math.min(limits.watermark, limits.done, end - 1));
}

interface Trimming {
  readonly partition: number;
  readonly limits: TrimLimits;
  readonly logger: Logger;
}

/**
 * Trims the part of the log that is no longer needed, after comparing it with ClickHouse. If they differ,
 * writes the range again and trims nothing. Returns the first position of the log.
 */
export async function trimPartition(
  log: PartitionLog,
  store: Store,
  { partition, limits, logger }: Trimming,
): Promise<number> {
  const { first, end, bytes, bytesMax } = await log.state();
  const grace = bytesMax > 0 && bytes > bytesMax * GRACE_OFF_RATIO ? 0 : limits.graceMs;
  const target = Math.min(trimTarget(end, limits), first + RANGE_MAX - 1);
  if (target < Math.max(1, first)) return first;
  const to = await lastOlderThan(log, first, target, limits.now - grace);
  if (to < first) return first;
  const compared = await verifyRange(log, store, { partition, from: first, to });
  if (!compared.equal) {
    logger.error(
      { partition, first, to, ...compared },
      "ClickHouse and the log differ: the range is inserted again, and nothing is trimmed",
    );
    await replayRange(log, store, { partition, from: first, to });
    return first;
  }
  await log.trim(to + 1);
  return to + 1;
}

/**
 * The last position with a batch time up to `before`; below `first` if there is none. Bisection works because
 * batch times rise with positions, except for clock steps, which the grace time covers.
 */
async function lastOlderThan(
  log: PartitionLog,
  first: number,
  last: number,
  before: number,
): Promise<number> {
  let low = first;
  let high = last;
  while (low <= high) {
    const middle = Math.floor((low + high) / 2);
    const batch = await log.at(middle);
    if (batch !== undefined && batch.ts <= before) low = middle + 1;
    else high = middle - 1;
  }
  return high;
}
