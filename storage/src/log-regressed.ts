import type { PartitionLog } from "@jichat/log/partition-log.ts";
import type { Store } from "./store.ts";
import { verifyRange } from "./verify.ts";

/** The log does not continue what was seen of it. The partition must not be served until a person decides. */
export class LogRegressed extends Error {
  override readonly name = "LogRegressed";
}

/**
 * How many batches below the watermark are compared. They reveal another log that has grown past the old end.
 */
const COMPARED = 20;
const CURE = "put the newer NATS store back, or see `generation` in docs/operations.md";

/**
 * Throws LogRegressed unless the log continues where ClickHouse ends, and its last batches equal those in
 * ClickHouse.
 */
export async function assertContinues(
  log: PartitionLog,
  store: Store,
  partition: number,
  watermark: number,
): Promise<void> {
  const { first, end } = await log.state();
  if (watermark > end)
    throw new LogRegressed(`the log ends at ${end}, but ClickHouse holds it up to ${watermark}: ${CURE}`);
  if (first > watermark + 1) {
    throw new LogRegressed(
      `the log begins at ${first}, but ClickHouse holds it only up to ${watermark}: ${CURE}`,
    );
  }
  const from = Math.max(1, first, watermark - COMPARED + 1);
  if (from > watermark) return;
  const { equal } = await verifyRange(log, store, { partition, from, to: watermark });
  if (!equal)
    throw new LogRegressed(
      `the log and ClickHouse differ from ${from} to ${watermark}, so this is another log: ${CURE}`,
    );
}
