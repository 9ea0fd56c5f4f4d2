/** What a client may do after an error. */
export type Disposition = "retry" | "stop" | "close";

/** What a client may do after each error. Apart from `ERRORS`, since the SDK needs nothing else of it. */
export const DISPOSITIONS = {
  FRAME_MALFORMED: "stop",
  FRAME_TOO_LARGE: "stop",
  FRAME_UNKNOWN: "stop",
  INVALID: "stop",
  UNAUTHENTICATED: "close",
  TOKEN_EXPIRED: "close",
  FORBIDDEN: "stop",
  NOT_FOUND: "stop",
  CONFLICT: "stop",
  RATE_LIMITED: "retry",
  BUSY: "retry",
  UNAVAILABLE: "retry",
  INTERNAL: "retry",
} as const satisfies Record<string, Disposition>;

export type ErrorCode = keyof typeof DISPOSITIONS;

interface ErrorSpec {
  readonly http: number;
  readonly close?: number;
}

/** All error codes. docs/errors.md lists the same codes; tidy compares the two. */
export const ERRORS = {
  FRAME_MALFORMED: { http: 400 },
  FRAME_TOO_LARGE: { http: 413 },
  FRAME_UNKNOWN: { http: 400 },
  INVALID: { http: 400 },
  UNAUTHENTICATED: { http: 401, close: 4401 },
  TOKEN_EXPIRED: { http: 401, close: 4402 },
  FORBIDDEN: { http: 403 },
  NOT_FOUND: { http: 404 },
  CONFLICT: { http: 409 },
  RATE_LIMITED: { http: 429 },
  BUSY: { http: 503 },
  UNAVAILABLE: { http: 503 },
  INTERNAL: { http: 500 },
} as const satisfies Record<ErrorCode, ErrorSpec>;

/** WebSocket close codes. `mayResume` says after which of them a client may resume. */
export const CLOSE = {
  goingAway: 1012,
  silent: 1001,
  malformed: 4400,
  unauthenticated: 4401,
  expired: 4402,
  refused: 4403,
  tooSlow: 4408,
  replaced: 4409,
  tooMany: 4429,
} as const;

/**
 * Whether a client may resume after this close code (docs/protocol.md, Errors and close codes). After 4400 to
 * 4403 and 4409 the user or the application has to act first.
 */
export const mayResume = (closeCode: number): boolean =>
  !((closeCode >= 4400 && closeCode <= 4403) || closeCode === CLOSE.replaced);

export const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(DISPOSITIONS, code);

export const isRetryable = (code: ErrorCode): boolean => DISPOSITIONS[code] === "retry";

/** The close code of an error; `undefined` if the error does not end the session. */
export function closeOf(code: ErrorCode): number | undefined {
  const spec: ErrorSpec = ERRORS[code];
  return spec.close;
}

export interface ChatErrorOptions extends ErrorOptions {
  /**
   * Milliseconds after which the client may retry the same `id`. Only for retryable codes; 500 by default.
   */
  readonly retryAfterMs?: number | undefined;
  /** Finds the request in the traces and logs of the servers. Set on errors that a server answered with. */
  readonly traceId?: string | undefined;
}

/** An error that a client may see. Anything else that is thrown is a defect and answers INTERNAL. */
export class ChatError extends Error {
  override readonly name = "ChatError";
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;
  declare readonly traceId?: string;

  constructor(code: ErrorCode, message: string, options?: ChatErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options?.retryAfterMs ?? (isRetryable(code) ? 500 : undefined);
    if (options?.traceId !== undefined) this.traceId = options.traceId;
  }
}

/** What a client may see of a thrown value. A defect shows its code and its traceId, never its text. */
export const asChatError = (thrown: unknown): ChatError =>
  thrown instanceof ChatError
    ? thrown
    : new ChatError("INTERNAL", "an internal error: the logs of the server describe it under this traceId", {
        cause: thrown,
      });
