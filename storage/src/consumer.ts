import { systemClock } from "@jichat/protocol/clock.ts";
import type { PartitionLog } from "@jichat/runtime/partition-log.ts";
import type { Logger } from "pino";
import { LogRegressed } from "./log-regressed.ts";
import type { Tail } from "./tail.ts";

const FULL_WAIT_MS = 50;
const RETRY_MS = 500;

/**
 * Reads one partition's log into its tail, in order, for as long as it is ours. A full tail stops the
 * reading.
 */
export async function consume(
  log: PartitionLog,
  tail: Tail,
  isFull: () => boolean,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const end = await log.end();
      // Waiting for a position to come again would take another batch for the one that was seen there.
      if (end < tail.consumed)
        throw new LogRegressed(`the log ends at ${end}, ${tail.consumed} was consumed`);
      for await (const positioned of log.follow(tail.consumed + 1, signal)) {
        tail.add(positioned);
        while (isFull() && !signal.aborted) await systemClock.sleep(FULL_WAIT_MS);
      }
    } catch (error) {
      if (error instanceof LogRegressed) throw error;
      logger.warn(
        { err: error, partition: tail.partition, consumed: tail.consumed },
        "reading the log broke off; starting again behind what is consumed",
      );
    }
    if (!signal.aborted) await systemClock.sleep(RETRY_MS);
  }
}
