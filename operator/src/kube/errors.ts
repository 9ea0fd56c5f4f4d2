/** A refusal of the API server, with the HTTP status and the machine-readable reason of its Status object. */
export class KubeError extends Error {
  override readonly name = "KubeError";
  readonly status: number;
  readonly reason: string;
  /** The delay before a retry in milliseconds, if the API server named one. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, reason: string, message: string, retryAfterMs?: number) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

export const isNotFound = (error: unknown): boolean => error instanceof KubeError && error.status === 404;
/** The API server knows this client, and denies the request. */
export const isForbidden = (error: unknown): boolean => error instanceof KubeError && error.status === 403;

/** The object exists already, or was changed since it was read. */
export const isConflict = (error: unknown): boolean => error instanceof KubeError && error.status === 409;
/** The resourceVersion at which a watch or a page began is too old: list again. */
export const isExpired = (error: unknown): boolean => error instanceof KubeError && error.status === 410;

const OF_ALL = new Set([401, 409, 410, 429, 502, 503, 504]);
/**
 * Whether the refusal concerns only this object (invalid, over quota, not allowed, its webhook). Others may
 * still succeed.
 */
export const isRefusal = (error: unknown): error is KubeError =>
  error instanceof KubeError && !OF_ALL.has(error.status);

const field = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;

/**
 * Makes an error from a Status object, which is an answer's body or the object of an ERROR event. For any
 * other body, the HTTP status is used.
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

/** The message of whatever was thrown, for people. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
