/** What the API server refused, with the HTTP status and the machine-readable reason of its Status object. */
export class KubeError extends Error {
  override readonly name = "KubeError";
  readonly status: number;
  readonly reason: string;
  /** Milliseconds after which it may be asked again, where it said so. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, reason: string, message: string, retryAfterMs?: number) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

export const isNotFound = (error: unknown): boolean => error instanceof KubeError && error.status === 404;
/** The API server knows us, and does not let us. */
export const isForbidden = (error: unknown): boolean => error instanceof KubeError && error.status === 403;

/** Somebody was there before, or wrote in between. */
export const isConflict = (error: unknown): boolean => error instanceof KubeError && error.status === 409;
/** The resourceVersion that a watch or a page began at is too old: list anew. */
export const isExpired = (error: unknown): boolean => error instanceof KubeError && error.status === 410;

const OF_ALL = new Set([401, 409, 410, 429, 502, 503, 504]);
/** It is about this very object (wrong, too much, not allowed, its webhook): another one may be taken. */
export const isRefusal = (error: unknown): error is KubeError =>
  error instanceof KubeError && !OF_ALL.has(error.status);

const field = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;

/**
 * From a Status object, as an answer's body or as the object of an ERROR event; from anything else by its
 * HTTP status.
 */
export function kubeErrorOf(status: number, body: unknown, retryAfter?: string | null): KubeError {
  const code = field(body, "code");
  const reason = field(body, "reason");
  const message = field(body, "message");
  const seconds = Number(retryAfter ?? field(field(body, "details"), "retryAfterSeconds") ?? Number.NaN);
  return new KubeError(
    typeof code === "number" ? code : status,
    typeof reason === "string" ? reason : "",
    typeof message === "string" ? message : `the API server answered ${status}`,
    Number.isFinite(seconds) ? seconds * 1_000 : undefined,
  );
}

/** What a person is told of whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
