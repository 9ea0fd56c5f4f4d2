import { ChatError, isErrorCode } from "@jichat/protocol/errors.ts";

/** An answer of the REST interface that is not the one that was wanted. */
export class RestError extends ChatError {
  /** The HTTP status; 0 where there was no answer. */
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
  /** Where the api is, without a path; a page that the api serves says nothing. */
  readonly api?: string;
  readonly token?: string;
  readonly body?: object;
  readonly signal?: AbortSignal;
}

/** What stands for a code where an answer has none: of a proxy in front of the api, say. */
const codeOf = (status: number): ChatError["code"] =>
  status === 429 ? "RATE_LIMITED" : status >= 500 || status === 0 ? "UNAVAILABLE" : "INVALID";

function jsonOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined; // Its status says more than its text.
  }
}

/**
 * One call of the REST interface; resolves with what its answer says. Rejects with RestError, whose `code` and
 * `status` are the answer's: for every status but 2xx, for an answer without a body or of anything but JSON,
 * and with UNAVAILABLE and status 0 where there is none.
 */
export async function callRest<T>(method: string, path: string, call: RestCall = {}): Promise<T> {
  const { api = "", token, body, signal } = call;
  const asked = `${method} ${path}`;
  let response: Response;
  let text: string;
  try {
    response = await fetch(api + path, {
      method,
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
    text = await response.text();
  } catch (cause) {
    throw new RestError(0, "UNAVAILABLE", `${asked} has no answer: ${String(cause)}`, { cause });
  }
  const { status, ok } = response;
  const reply = jsonOf(text);
  if (ok && reply !== undefined) return reply as T;
  const { code, message, retryAfterMs } = reply ?? {};
  throw new RestError(
    status,
    typeof code === "string" && isErrorCode(code) ? code : codeOf(status),
    typeof message === "string" ? message : `${asked} is answered with ${status} and no JSON of the api`,
    typeof retryAfterMs === "number" ? { retryAfterMs } : {},
  );
}
