import type { Clock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { Batch } from "@jichat/protocol/log/record.ts";
import type { Log } from "./ports.ts";

/** A successor's batch stands where ours was to stand: state and draft go, nobody is answered. */
export class OwnershipLost extends Error {
  override readonly name = "OwnershipLost";
}

/**
 * The log's end is behind what this owner has seen committed: only an explicit command may go on from here.
 */
export class LogRegressed extends Error {
  override readonly name = "LogRegressed";
}

/** The stream refused the bytes for want of room; nothing was stored. */
export class LogFull extends ChatError {
  constructor() {
    super("BUSY", "this conversation's log is full; storage is behind", { retryAfterMs: 2_000 });
  }
}

const RETRY_MS = 50;

export type IsOurs = (found: Batch, mine: Batch) => boolean;

/** By the owner's random id and the batch's number: the bytes alone could be those of an older reign. */
export const isOurs: IsOurs = (found, mine) => found.owner === mine.owner && found.number === mine.number;

/**
 * Appends `batch` at `expected + 1` and returns only when that is certain (DESIGN 3, "a lost answer"): the
 * same bytes are sent again with the same expectation until the log's end is past it, and then what stands
 * there decides.
 */
export async function appendFenced(
  log: Log,
  batch: Batch,
  bytes: Uint8Array,
  expected: number,
  clock: Clock,
  signal: AbortSignal,
  ours: IsOurs = isOurs,
): Promise<number> {
  for (let attempt = 0; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      const result = await log.append(bytes, expected);
      if (result.outcome === "stored") return result.position;
      if (result.outcome === "full" && attempt === 0) throw new LogFull();
      const end = await log.end();
      if (end > expected) return settle(await log.at(expected + 1), batch, expected, ours);
      if (end < expected) throw new LogRegressed(`the log ends at ${end}, ${expected} was committed`);
    } catch (error) {
      if (error instanceof OwnershipLost || error instanceof LogRegressed || error instanceof LogFull)
        throw error;
      // The answer is lost, not the append: nothing else is composed before it is known.
    }
    await clock.sleep(RETRY_MS, signal);
  }
}

function settle(found: Batch | undefined, mine: Batch, expected: number, ours: IsOurs): number {
  if (found !== undefined && ours(found, mine)) return expected + 1;
  throw new OwnershipLost(
    `position ${expected + 1} holds a batch of ${found?.owner ?? "an owner whose batch is trimmed"}`,
  );
}
