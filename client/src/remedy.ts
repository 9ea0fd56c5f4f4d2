import type { ErrorCode } from "@jichat/protocol/errors.ts";

/**
 * What a user can do about an error: `retry` the same, `change` what was sent, `sign-in` again, or `stop`,
 * since the same is refused however often it is tried.
 */
export type Remedy = "retry" | "change" | "sign-in" | "stop";

const REMEDIES: Readonly<Record<ErrorCode, Remedy>> = {
  FRAME_MALFORMED: "change",
  FRAME_TOO_LARGE: "change",
  FRAME_UNKNOWN: "stop",
  INVALID: "change",
  UNAUTHENTICATED: "sign-in",
  TOKEN_EXPIRED: "sign-in",
  FORBIDDEN: "stop",
  NOT_FOUND: "stop",
  CONFLICT: "stop",
  RATE_LIMITED: "retry",
  BUSY: "retry",
  UNAVAILABLE: "retry",
  INTERNAL: "retry",
};

export const remedyOf = ({ code }: { readonly code: ErrorCode }): Remedy => REMEDIES[code];
