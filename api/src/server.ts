import fastifyStatic from "@fastify/static";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { fastify } from "fastify";
import type { ErrorCode } from "@jichat/protocol/errors.ts";
import { ChatError, ERRORS, asChatError } from "@jichat/protocol/errors.ts";
import { openAccountRoutes, openProfileRoutes, openUserRoutes } from "./routes/accounts.ts";
import { openConversationRoutes, openMessageRoutes } from "./routes/conversations.ts";
import "./request.ts";
import * as schemas from "./schemas.ts";
import type { World } from "./world.ts";

const BODY_BYTES_MAX = 262_144;
export const VERSION = "0.1.0";

/**
 * The REST interface: its routes, its errors, its page of documentation and, where it is built, the chat
 * page.
 */
export async function buildServer(world: World): Promise<FastifyInstance> {
  const { config } = world;
  const app = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    trustProxy: config.trustProxy,
    forceCloseConnections: true,
    ajv: { customOptions: { coerceTypes: "array", strict: false } },
  }) as unknown as FastifyInstance;
  trace(app, world);
  answerErrors(app, world);
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "JiChat",
        version: VERSION,
        description:
          "REST for bots, back ends and sign-in. Live messages come over the WebSocket that /v1/config names.",
      },
      components: { securitySchemes: { token: { type: "http", scheme: "bearer", bearerFormat: "JWT" } } },
      security: [{ token: [] }],
    },
  });
  await app.register(swaggerUi, { routePrefix: "/docs" });
  app.get("/v1/openapi.json", { schema: { hide: true } }, async () => app.swagger());
  app.get(
    "/v1/config",
    {
      schema: {
        summary: "Where clients connect",
        security: [],
        response: {
          200: schemas.reply(
            { ws: { type: "array", items: { type: "string" } }, version: { type: "string" } },
            ["ws", "version"],
          ),
        },
      },
    },
    async () => ({ ws: config.wsUrls, version: VERSION }),
  );
  await app.register(async (routes) => openAccountRoutes(routes, world));
  await app.register(async (routes) => openProfileRoutes(routes, world));
  await app.register(async (routes) => openUserRoutes(routes, world));
  await app.register(async (routes) => openConversationRoutes(routes, world));
  await app.register(async (routes) => openMessageRoutes(routes, world));
  if (config.webRoot !== undefined) await servePage(app, config.webRoot, config.wsUrls);
  return app;
}

/** Nothing but our own files and sockets: what a message carries can run nothing. */
async function servePage(app: FastifyInstance, root: string, wsUrls: readonly string[]): Promise<void> {
  const connect = ["'self'", ...new Set(wsUrls.map((url) => new URL(url).origin))].join(" ");
  await app.register(fastifyStatic, {
    root,
    prefix: "/",
    setHeaders: (reply) => {
      void reply.header(
        "content-security-policy",
        `default-src 'self'; connect-src ${connect}; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'`,
      );
      void reply.header("x-content-type-options", "nosniff");
      void reply.header("referrer-policy", "no-referrer");
    },
  });
}

/** Every reply carries its traceId, in `traceparent` and in the body. */
function trace(app: FastifyInstance, { telemetry }: World): void {
  const requests = telemetry.counter("jichat_api_requests", "requests answered, by route and status");
  const seconds = telemetry.histogram("jichat_api_request", "time from a request to its reply");
  app.decorateRequest("jichatTrace", undefined);
  app.decorateRequest("identity", undefined);
  app.addHook("onRequest", async (request, reply) => {
    const begun = telemetry.begin(`api ${request.method} ${request.routeOptions.url ?? "unknown"}`);
    request.jichatTrace = begun;
    const spanId = begun.span?.spanContext().spanId ?? begun.traceId.slice(0, 16);
    void reply.header(
      "traceparent",
      `00-${begun.traceId}-${spanId}-${begun.span === undefined ? "00" : "01"}`,
    );
  });
  app.addHook("preSerialization", async (request, _reply, payload: unknown) => {
    const isOurs = request.url.startsWith("/v1/") && !request.url.startsWith("/v1/openapi.json");
    return isOurs && typeof payload === "object" && payload !== null
      ? { ...payload, traceId: request.jichatTrace?.traceId }
      : payload;
  });
  app.addHook("onResponse", async (request, reply) => {
    request.jichatTrace?.span?.setAttribute("http.response.status_code", reply.statusCode).end();
    requests.add(1, { route: request.routeOptions.url ?? "unknown", status: reply.statusCode });
    seconds.record(reply.elapsedTime / 1_000);
  });
}

function answerErrors(app: FastifyInstance, { telemetry }: World): void {
  const errors = telemetry.counter("jichat_api_errors", "errors answered, by code");
  const answer = (
    request: FastifyRequest,
    reply: FastifyReply,
    error: ChatError,
    status: number,
  ): FastifyReply => {
    const code: ErrorCode =
      error.code === "FRAME_MALFORMED" || error.code === "FRAME_TOO_LARGE" ? "INVALID" : error.code;
    const traceId = request.jichatTrace?.traceId;
    errors.add(1, { code });
    if (code === "INTERNAL") telemetry.log.error({ err: error.cause ?? error, traceId }, "a request failed");
    if (error.retryAfterMs !== undefined)
      void reply.header("retry-after", Math.ceil(error.retryAfterMs / 1_000));
    return reply
      .code(status)
      .type("application/json; charset=utf-8")
      .send(
        JSON.stringify({
          code,
          message: error.message,
          ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
          traceId,
        }),
      );
  };
  app.setErrorHandler((thrown: FastifyError, request, reply) => {
    if (thrown.validation !== undefined)
      return answer(
        request,
        reply,
        new ChatError("INVALID", `${thrown.validationContext ?? "request"}: ${thrown.message}`),
        400,
      );
    const status = thrown.statusCode;
    if (!(thrown instanceof ChatError) && status !== undefined && status >= 400 && status < 500) {
      return answer(request, reply, new ChatError("INVALID", thrown.message), status);
    }
    const error = asChatError(thrown);
    return answer(request, reply, error, ERRORS[error.code].http);
  });
  app.setNotFoundHandler((request, reply) => {
    const [path = ""] = request.url.split("?");
    return answer(
      request,
      reply,
      new ChatError("NOT_FOUND", `nothing answers ${request.method} ${path}`),
      404,
    );
  });
}
