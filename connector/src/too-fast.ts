import type { Refused } from "@jichat/protocol/bus/command.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { TokenBuckets } from "@jichat/runtime/token-bucket.ts";
import type { Session } from "./session.ts";

/** Frames of one socket that may wait for an answer; one more is told BUSY. */
const UNANSWERED_MAX = 1_024;

/** What a user may say, whatever sockets say it. */
export interface UserBuckets {
  readonly messageBuckets: Pick<TokenBuckets, "spend">;
  readonly byteBuckets: Pick<TokenBuckets, "spend" | "waitMs">;
}

/**
 * The refusal of a frame that comes too fast for its user, or while too much is unanswered. It is asked last:
 * what is refused for another reason costs the user nothing.
 */
export function tooFast(
  buckets: UserBuckets,
  session: Pick<Session, "unanswered" | "user">,
  bytes: number,
): Refused | undefined {
  if (session.unanswered > UNANSWERED_MAX)
    return { code: "BUSY", message: "too many frames wait for their answers", retryAfterMs: 500 };
  const { messageBuckets, byteBuckets } = buckets;
  const now = systemClock.monotonic();
  // Both are asked before either is taken from.
  const waitMs = byteBuckets.waitMs(session.user, bytes, now) || messageBuckets.spend(session.user, 1, now);
  if (waitMs > 0) return { code: "RATE_LIMITED", message: "too fast", retryAfterMs: Math.max(10, waitMs) };
  byteBuckets.spend(session.user, bytes, now);
  return undefined;
}

/** The refusal of a frame that comes too fast for its socket, or for the address that it comes from. */
export const socketTooFast = (retryAfterMs: number): Refused => ({
  code: "RATE_LIMITED",
  message: "too many frames or bytes on this socket, or from its address",
  retryAfterMs,
});
