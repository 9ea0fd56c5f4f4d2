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

/** The log takes these bytes on no repetition; nothing of them was stored. */
export class AppendRefused extends Error {
  override readonly name = "AppendRefused";
  readonly refusal: ChatError;
  readonly bytes: number;

  constructor(refusal: ChatError, bytes: number) {
    super(`the log refuses an append: ${refusal.message}`, { cause: refusal });
    this.refusal = refusal;
    this.bytes = bytes;
  }
}

const RETRY_MS = 50;

export type IsOurs = (found: Batch, mine: Batch) => boolean;

/** By the owner's random id and the batch's number: the bytes alone could be those of an older reign. */
export const isOurs: IsOurs = (found, mine) => found.owner === mine.owner && found.number === mine.number;

/**
 * Appends `batch` at `expected + 1` and returns only when that is certain (docs/design.md, "A lost answer"):
 * the same bytes are sent again with the same expectation until the log's end is past it, and then what
 * stands there decides. What is refused for good is not sent again, once the log's end shows that no earlier
 * attempt was stored; one that may still be on its way ends the reign, and the next epoch record keeps it
 * out.
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
  let mayBeOnItsWay = false;
  for (let attempt = 0; ; attempt += 1) {
    signal.throwIfAborted();
    const wasOnItsWay: boolean = mayBeOnItsWay;
    mayBeOnItsWay = true;
    try {
      const result = await log.append(bytes, expected);
      if (result.outcome === "stored") return result.position;
      if (result.outcome === "full" && attempt === 0) throw new LogFull();
      if (result.outcome === "refused") mayBeOnItsWay = wasOnItsWay;
      const end = await log.end();
      if (end > expected) return settle(await log.at(expected + 1), batch, expected, ours);
      if (end < expected) throw new LogRegressed(`the log ends at ${end}, ${expected} was committed`);
      if (result.outcome === "refused") {
        if (wasOnItsWay) throw new OwnershipLost("refused, and an earlier try may still be on its way");
        throw new AppendRefused(result.error, bytes.length);
      }
    } catch (error) {
      if (isVerdict(error)) throw error;
      // The answer is lost, not the append: nothing else is composed before it is known.
    }
    await clock.sleep(RETRY_MS, signal);
  }
}

const isVerdict = (error: unknown): boolean =>
  error instanceof OwnershipLost ||
  error instanceof LogRegressed ||
  error instanceof LogFull ||
  error instanceof AppendRefused;

function settle(found: Batch | undefined, mine: Batch, expected: number, ours: IsOurs): number {
  if (found !== undefined && ours(found, mine)) return expected + 1;
  throw new OwnershipLost(
    `position ${expected + 1} holds a batch of ${found?.owner ?? "an owner whose batch is trimmed"}`,
  );
}
