import { JetStreamApiError } from "@nats-io/jetstream";
import { InvalidArgumentError, PermissionViolationError } from "@nats-io/transport-node";
import { ChatError } from "@jichat/protocol/errors.ts";

const BAD_REQUEST = 10_003;
const HEADER_TOO_LARGE = 10_052;
const MESSAGE_TOO_LARGE = 10_054;
const STREAM_SEALED = 10_109;
/** Long, since somebody has to change the server first. */
const DENIED_RETRY_MS = 5_000;

/**
 * The error for a publish or request that was refused, that stored nothing, and that would be refused again
 * on every attempt. `undefined` if it may have been stored, or may succeed next time.
 */
export function finalErrorOf(error: unknown): ChatError | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    // The client library checks `max_payload` itself. Its other arguments, subjects and time-outs, are ours
    // and valid.
    if (cause instanceof InvalidArgumentError)
      return new ChatError("FRAME_TOO_LARGE", "this is larger than one message of NATS may be", {
        cause: error,
      });
    if (cause instanceof PermissionViolationError)
      return denied("NATS does not permit this to the user of this process", error);
    if (cause instanceof JetStreamApiError) return finalAnswerOf(cause);
  }
  return undefined;
}

function finalAnswerOf(error: JetStreamApiError): ChatError | undefined {
  switch (error.code) {
    case HEADER_TOO_LARGE:
    case MESSAGE_TOO_LARGE:
      return new ChatError("FRAME_TOO_LARGE", "this is larger than one message of the log may be", {
        cause: error,
      });
    case BAD_REQUEST:
    case STREAM_SEALED:
      return denied("the log does not accept writes", error);
    default:
      return undefined;
  }
}

const denied = (message: string, cause: unknown): ChatError =>
  new ChatError("UNAVAILABLE", message, { cause, retryAfterMs: DENIED_RETRY_MS });
