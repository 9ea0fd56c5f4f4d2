import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError, isErrorCode } from "@jichat/protocol/errors.ts";
import { Alarm } from "./alarm.ts";

/** A failed call of the REST interface. */
export class RestError extends ChatError {
  /** The HTTP status; 0 if there was no answer. */
  readonly status: number;

  constructor(
    status: number,
    code: ChatError["code"],
    message: string,
    options?: ConstructorParameters<typeof ChatError>[2],
  ) {
    super(code, message, options);
    this.status = status;
  }
}

export interface RestCall {
  /** The origin of the api, without a path. A page that the api itself serves leaves it out. */
  readonly api?: string;
  readonly token?: string;
  readonly body?: object;
  readonly signal?: AbortSignal;
  /** How long the whole answer may take. Default 30,000. */
  readonly timeoutMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

const ANSWER_MS = 30_000;

/** The code for an answer that has none, such as one of a proxy in front of the api. */
const codeOf = (status: number): ChatError["code"] =>
  status === 429 ? "RATE_LIMITED" : status >= 500 || status === 0 ? "UNAVAILABLE" : "INVALID";

function jsonOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined; // The status says more than the text.
  }
}

/**
 * Makes one call of the REST interface, and resolves with its answer. Rejects with RestError, which has the
 * answer's `code` and `status`: for every status except 2xx, for an answer that has no body or is not JSON,
 * and with UNAVAILABLE and status 0 if there is no answer in time.
 */
export async function callRest<T>(method: string, path: string, call: RestCall = {}): Promise<T> {
  const { api = "", token, body, signal, timeoutMs = ANSWER_MS, headers = {} } = call;
  const asked = `${method} ${path}`;
  let response: Response;
  let text: string;
  const [ends, deadline] = [new AbortController(), new Alarm(systemClock)];
  deadline.set(timeoutMs, () => {
    ends.abort(new Error(`nothing within ${timeoutMs / 1_000} s`));
  });
  // Not every browser that the SDK supports has `AbortSignal.any`.
  const stop = (): void => {
    ends.abort(signal?.reason);
  };
  signal?.addEventListener("abort", stop);
  if (signal?.aborted === true) stop();
  try {
    response = await fetch(api + path, {
      method,
      headers: {
        ...headers,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: ends.signal,
    });
    text = await response.text();
  } catch (cause) {
    throw new RestError(0, "UNAVAILABLE", `${asked} has no answer: ${String(cause)}`, { cause });
  } finally {
    deadline.clear();
    signal?.removeEventListener("abort", stop);
  }
  const { status, ok } = response;
  const reply = jsonOf(text);
  if (ok && reply !== undefined) return reply as T;
  const { code, message, retryAfterMs, traceId } = reply ?? {};
  throw new RestError(
    status,
    typeof code === "string" && isErrorCode(code) ? code : codeOf(status),
    typeof message === "string"
      ? message
      : `${asked} was answered with ${status} and without JSON of the api`,
    {
      ...(typeof retryAfterMs === "number" ? { retryAfterMs } : {}),
      ...(typeof traceId === "string" ? { traceId } : {}),
    },
  );
}
