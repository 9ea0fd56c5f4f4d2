import type { QueuedReport } from "@jichat/protocol/bus/push.ts";
import { CLOSE } from "@jichat/protocol/errors.ts";
import type { Session } from "./session.ts";

/** The code of uWS for a connection that ended without a close frame: reset, timed out, or cut. */
const NO_CLOSE_FRAME = 1006;
/** Our own reasons to end a session whose device may have been out of reach for a while. */
const OUT_OF_REACH: ReadonlySet<number> = new Set([CLOSE.silent, CLOSE.tooSlow, CLOSE.expired]);

/**
 * The report of a session that has ended, if something that was delivered to it may not have arrived. There
 * is none for a device that closed its socket itself, that connected again, or that had no time to leave a
 * connector that drains: it resumes by its cursor. Nor for a device that may not come back.
 */
export function reportOf(
  session: Pick<Session, "user" | "device" | "endedWith" | "isOverdue" | "unconfirmed">,
  closeCode: number,
): QueuedReport | undefined {
  const { user, device, endedWith, isOverdue, unconfirmed } = session;
  const isUnheard =
    endedWith === undefined
      ? closeCode === NO_CLOSE_FRAME
      : OUT_OF_REACH.has(endedWith) || (endedWith === CLOSE.goingAway && isOverdue);
  const since = isUnheard ? unconfirmed?.since : undefined;
  return since === undefined ? undefined : { is: "report", user, device, since };
}
