import type { Clock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { Batch } from "@jichat/protocol/log/record.ts";
import type { AppendResult } from "./partition-log.ts";

/** What is needed of a log: an append behind a position, its end, and the batch at a position. */
export interface FencedLog {
  append(bytes: Uint8Array, expected: number): Promise<AppendResult>;
  end(): Promise<number>;
  at(position: number): Promise<Batch | undefined>;
}

/**
 * A successor's batch is at the position of ours. The owner drops its state and its batch, and answers
 * nobody.
 */
export class OwnershipLost extends Error {
  override readonly name = "OwnershipLost";
}

/**
 * The log ends before a position that this owner has seen committed. Only an explicit command may continue
 * from here.
 */
export class LogRegressed extends Error {
  override readonly name = "LogRegressed";
}

/** The stream has no room for the bytes; nothing was stored. */
export class LogFull extends ChatError {
  constructor() {
    super("BUSY", "the log of this conversation is full, since storage lags behind: send it again later", {
      retryAfterMs: 2_000,
    });
  }
}

/** The log refuses these bytes for good; none of them were stored. */
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
const RETRY_MAX_MS = 500;

export type IsOurs = (found: Batch, mine: Batch) => boolean;

/**
 * Compares the owner's random id and the batch's number. Equal bytes alone could belong to an older reign.
 */
const isOurs: IsOurs = (found, mine) => found.owner === mine.owner && found.number === mine.number;

export interface FencedAppend {
  readonly batch: Batch;
  readonly bytes: Uint8Array;
  readonly expected: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly ours?: IsOurs | undefined;
}

/**
 * Appends `batch` at `expected + 1`, and returns its position once that is certain (docs/design.md, "A lost
 * answer"). It sends the same bytes with the same expectation until the log's end is beyond it; then the
 * batch that is there decides. Bytes that are refused for good are not sent again once the log's end shows
 * that no earlier attempt was stored. If an earlier attempt may still be on its way, the reign ends, and the
 * next epoch record keeps that attempt out.
 *
 * Throws OwnershipLost, LogRegressed, LogFull, AppendRefused, or the signal's reason.
 */
export async function appendFenced(
  log: FencedLog,
  { batch, bytes, expected, clock, signal, ours = isOurs }: FencedAppend,
): Promise<number> {
  let mayBeOnItsWay = false;
  let pauseMs = RETRY_MS;
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
      if (end < expected)
        throw new LogRegressed(`the log ends at ${end}, but position ${expected} was committed`);
      if (result.outcome === "refused") {
        if (wasOnItsWay)
          throw new OwnershipLost("the log refused an append, and an earlier attempt of it may still arrive");
        throw new AppendRefused(result.error, bytes.length);
      }
      // The log has an earlier attempt in its hands, and is slow. Each new one costs it the same bytes.
      if (result.outcome === "sequence") pauseMs = Math.min(2 * pauseMs, RETRY_MAX_MS);
    } catch (error) {
      if (isVerdict(error)) throw error;
      // The answer is lost; the append may not be. Nothing else is composed before its fate is known.
    }
    await clock.sleep(pauseMs, signal);
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
