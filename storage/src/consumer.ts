import type { Clock } from "@jichat/protocol/clock.ts";
import type { Hearing } from "@jichat/runtime/hearing.ts";
import type { PartitionLog } from "@jichat/log/partition-log.ts";
import { LogRegressed } from "./log-regressed.ts";
import type { Tail } from "./tail.ts";

const FULL_WAIT_MS = 50;
const RETRY_MS = 500;

interface Consuming {
  readonly isFull: () => boolean;
  readonly hearing: Hearing;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Reads one partition's log into its tail, in order, until the signal aborts. It pauses while the tails are
 * full. Throws LogRegressed if the log ends before what was consumed.
 */
export async function consume(
  log: PartitionLog,
  tail: Tail,
  { isFull, hearing, clock, signal }: Consuming,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const end = await log.end();
      if (signal.aborted) return;
      // Do not wait for the position to come back: another batch could then stand in its place.
      if (end < tail.consumed)
        throw new LogRegressed(`the log ends at ${end}, but position ${tail.consumed} was consumed`);
      for await (const positioned of log.follow(tail.consumed + 1, signal, hearing)) {
        tail.add(positioned);
        while (isFull() && !signal.aborted) await clock.sleep(FULL_WAIT_MS);
      }
    } catch (error) {
      if (error instanceof LogRegressed) throw error;
      hearing.lost(error);
    }
    // The sleep rejects if the signal aborts.
    await clock.sleep(RETRY_MS, signal).catch(() => undefined);
  }
}
