import type { ChatError, ErrorCode } from "@jichat/protocol/errors.ts";
import { CLOSE } from "@jichat/protocol/errors.ts";
import type { ConnectorMetrics } from "./metrics.ts";
import type { Session } from "./session.ts";

/** Errors that are not the client's fault. An outage must not close its socket. */
const OURS = new Set<ErrorCode>(["UNAVAILABLE", "INTERNAL", "BUSY"]);

/** The id of the frame that the error answers, if it has one, and the trace of the error. */
export interface ErrorContext {
  readonly id?: string | undefined;
  readonly traceId: string;
}

/** Writes an error frame, and closes a socket that was refused too often. */
export function replyError(
  metrics: Pick<ConnectorMetrics, "countError">,
  session: Session,
  error: ChatError,
  { id, traceId }: ErrorContext,
): void {
  metrics.countError(error.code);
  session.write({
    t: "error",
    id,
    code: error.code,
    message: error.message,
    retryAfterMs: error.retryAfterMs,
    traceId,
  });
  if (!OURS.has(error.code) && session.intake?.refused() === true)
    session.close(CLOSE.tooMany, "too many refusals");
}
