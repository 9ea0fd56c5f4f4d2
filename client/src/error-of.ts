import { ChatError, isErrorCode } from "@jichat/protocol/errors.ts";
import type { ErrorFrame } from "@jichat/protocol/frame/server-frame.ts";

/**
 * The error that the server sent. An unknown code, from a later version, becomes INTERNAL, which is retried.
 */
export const errorOf = ({ code, message, retryAfterMs, traceId }: ErrorFrame): ChatError =>
  new ChatError(isErrorCode(code) ? code : "INTERNAL", message, {
    retryAfterMs,
    traceId,
  });
