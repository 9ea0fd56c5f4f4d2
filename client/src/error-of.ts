import { ChatError, isErrorCode } from "@jichat/protocol/errors.ts";
import type { ErrorFrame } from "@jichat/protocol/frame/server-frame.ts";

/** An error that the server sent. A code of a later version is one that is tried again. */
export const errorOf = ({ code, message, retryAfterMs }: ErrorFrame): ChatError =>
  new ChatError(
    isErrorCode(code) ? code : "INTERNAL",
    message,
    retryAfterMs === undefined ? {} : { retryAfterMs },
  );
