import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ErrorCode } from "@jichat/protocol/errors.ts";
import { ChatError, ERRORS, asChatError } from "@jichat/protocol/errors.ts";
import type { Telemetry, Trace } from "@jichat/runtime/telemetry.ts";
import { wellFormedJson } from "@jichat/protocol/frame/well-formed.ts";

const traceparentOf = ({ traceId, span }: Trace): string =>
  `00-${traceId}-${span?.spanContext().spanId ?? traceId.slice(0, 16)}-${span === undefined ? "00" : "01"}`;

/** An error as status, headers and text. A route, the framework or a bare socket writes it. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export type AnswerError = (thrown: unknown, trace: Trace, status?: number) => Answer;

/** The protocol's code for an error. Errors of the framework come with their own status. */
const codeOf = (error: ChatError, status: number | undefined): ErrorCode => {
  if (status === 413) return "FRAME_TOO_LARGE";
  return error.code === "FRAME_MALFORMED" ? "INVALID" : error.code;
};

/** Returns a function that makes the answer to any thrown value, counts it, and logs defects. */
export function openAnswers(telemetry: Telemetry): AnswerError {
  const errors = telemetry.counter("jichat_api_errors", "errors answered, by code");
  return (thrown, trace, given) => {
    const error = asChatError(thrown);
    const code = codeOf(error, given ?? ERRORS[error.code].http);
    const { traceId } = trace;
    errors.add(1, { code });
    if (code === "INTERNAL") telemetry.log.error({ err: error.cause ?? error, traceId }, "a request failed");
    const { message, retryAfterMs } = error;
    return {
      status: given ?? ERRORS[code].http,
      headers: {
        "content-type": "application/json; charset=utf-8",
        traceparent: traceparentOf(trace),
        ...(ERRORS[code].http === 401 ? { "www-authenticate": "Bearer" } : {}),
        ...(retryAfterMs === undefined ? {} : { "retry-after": String(Math.ceil(retryAfterMs / 1_000)) }),
      },
      text: JSON.stringify({
        code,
        message,
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
        traceId,
      }),
    };
  };
}

/** Adds the traceId to every reply, in `traceparent` and in the body, and records metrics. */
export function trace(
  app: FastifyInstance,
  telemetry: Pick<Telemetry, "begin" | "counter" | "histogram">,
): void {
  const requests = telemetry.counter("jichat_api_requests", "requests answered, by route and status");
  const seconds = telemetry.histogram("jichat_api_request", "time from a request to its reply");
  app.decorateRequest("jichatTrace", undefined);
  app.decorateRequest("identity", undefined);
  app.addHook("onRequest", async (request, reply) => {
    const begun = telemetry.begin(`api ${request.method} ${request.routeOptions.url ?? "unknown"}`);
    request.jichatTrace = begun;
    void reply.header("traceparent", traceparentOf(begun));
  });
  app.addHook("preSerialization", async (request, _reply, payload: unknown) => {
    const isOurs = request.url.startsWith("/v1/") && !request.url.startsWith("/v1/openapi.json");
    return isOurs && typeof payload === "object" && payload !== null
      ? { ...payload, traceId: request.jichatTrace?.traceId }
      : payload;
  });
  app.addHook("onSend", async (request, _reply, payload: unknown) =>
    typeof payload === "string" && request.url.startsWith("/v1/") ? wellFormedJson(payload) : payload,
  );
  app.addHook("onResponse", async (request, reply) => {
    request.jichatTrace?.span?.setAttribute("http.response.status_code", reply.statusCode).end();
    requests.add(1, { route: request.routeOptions.url ?? "unknown", status: reply.statusCode });
    seconds.record(reply.elapsedTime / 1_000);
  });
}

/** Answers errors of routes and of the framework, and requests that no route matches. */
export function answerErrors(
  app: FastifyInstance,
  telemetry: Pick<Telemetry, "begin">,
  answerOf: AnswerError,
): void {
  const methods = methodsOf(app);
  const answer = (
    request: FastifyRequest,
    reply: FastifyReply,
    thrown: unknown,
    status?: number,
  ): FastifyReply => {
    const {
      status: code,
      headers,
      text,
    } = answerOf(thrown, request.jichatTrace ?? telemetry.begin("api unknown"), status);
    return reply.code(code).headers(headers).send(text);
  };
  const notFound = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const [path = ""] = request.url.split("?");
    const allowed = methods(path);
    if (allowed.length === 0)
      return answer(request, reply, new ChatError("NOT_FOUND", `there is no ${request.method} ${path}`));
    void reply.header("allow", allowed.join(", "));
    return answer(
      request,
      reply,
      new ChatError("INVALID", `${path} accepts ${allowed.join(", ")}, not ${request.method}`),
      405,
    );
  };
  app.setErrorHandler((thrown: FastifyError, request, reply) => {
    const { statusCode } = thrown;
    return !(thrown instanceof ChatError) && statusCode !== undefined && statusCode >= 400 && statusCode < 500
      ? answer(request, reply, new ChatError("INVALID", thrown.message, { cause: thrown }), statusCode)
      : answer(request, reply, thrown);
  });
  // Runs before the body is read: that no route matches says more than a wrong type or size of the body.
  app.addHook("onRequest", async (request, reply) => {
    if (request.is404) return notFound(request, reply);
    if (request.raw.httpVersion === "1.1" && request.headers.host === undefined)
      throw new ChatError("INVALID", "a request of HTTP/1.1 must have a `Host` header");
    return undefined;
  });
  app.setNotFoundHandler(notFound);
}

/**
 * Returns a function that lists the methods of a path. It knows the routes that are registered after this
 * call.
 */
function methodsOf(app: FastifyInstance): (path: string) => readonly string[] {
  const routes = new Map<string, { readonly parts: readonly string[]; readonly methods: Set<string> }>();
  app.addHook("onRoute", ({ url, method }) => {
    if (url.includes("*")) return;
    const route = routes.get(url) ?? { parts: url.split("/"), methods: new Set<string>() };
    for (const one of [method].flat()) route.methods.add(one);
    routes.set(url, route);
  });
  return (path) => {
    const asked = path.split("/");
    const found = [...routes.values()].filter(
      ({ parts }) =>
        parts.length === asked.length &&
        parts.every((part, i) => (part.startsWith(":") ? asked[i] !== "" : part === asked[i])),
    );
    return [...new Set(found.flatMap(({ methods }) => [...methods]))].sort();
  };
}
