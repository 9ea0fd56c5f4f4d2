import type { Refused } from "@jichat/protocol/bus/command.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { TokenBuckets } from "@jichat/runtime/token-bucket.ts";
import type { Session } from "./session.ts";

/** Unanswered frames that one socket may have. One more gets BUSY. */
const UNANSWERED_MAX = 1_024;

/** Limits of a user, over all its sockets. */
export interface UserBuckets {
  readonly messageBuckets: Pick<TokenBuckets, "spend">;
  readonly byteBuckets: Pick<TokenBuckets, "spend" | "waitMs">;
}

/**
 * The refusal of a frame over its user's rate, or while too many frames are unanswered. Call it last: a frame
 * that is refused for another reason costs the user nothing.
 */
export function tooFast(
  buckets: UserBuckets,
  session: Pick<Session, "unanswered" | "user">,
  bytes: number,
): Refused | undefined {
  if (session.unanswered > UNANSWERED_MAX)
    return {
      code: "BUSY",
      message: "too many frames of this socket wait for their answers",
      retryAfterMs: 500,
    };
  const { messageBuckets, byteBuckets } = buckets;
  const now = systemClock.monotonic();
  // Both buckets are checked before either is charged.
  const waitMs = byteBuckets.waitMs(session.user, bytes, now) || messageBuckets.spend(session.user, 1, now);
  if (waitMs > 0)
    return {
      code: "RATE_LIMITED",
      message: "this user sends too many frames or bytes",
      retryAfterMs: Math.max(10, waitMs),
    };
  byteBuckets.spend(session.user, bytes, now);
  return undefined;
}

/** The refusal of a frame over the rate of its socket or its address. */
export const socketTooFast = (retryAfterMs: number): Refused => ({
  code: "RATE_LIMITED",
  message: "this socket or its address sends too many frames or bytes",
  retryAfterMs,
});
