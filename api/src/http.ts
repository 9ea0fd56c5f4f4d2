import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifyServerOptions } from "fastify";
import { fastify } from "fastify";
import { ChatError } from "@jichat/protocol/errors.ts";
import { parseJson } from "@jichat/protocol/frame/parse-json.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { AnswerError } from "./answers.ts";
import { openAnswers } from "./answers.ts";

const BODY_BYTES_MAX = 262_144;
/** Limit of the request line with headers. A cursor is the longest legitimate part. */
const HEADER_BYTES_MAX = 16_384;
/** Limits for a slow request, so that it does not hold a descriptor for longer. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;
/** Longer than proxies keep an idle connection. Otherwise a proxy could send a request while we close. */
const KEEP_ALIVE_MS = 65_000;
const CHECK_MS = 2_000;

const STATUS_OF: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};
const SAID: Readonly<Record<number, string>> = {
  400: "this is not an HTTP request",
  408: "the request did not end in time",
  413: "the extension of a chunk is too long",
  431: `the request line and headers have more than ${HEADER_BYTES_MAX} bytes`,
};

/** Creates Fastify with our limits, our errors below the routes, and the same JSON decoding as the socket. */
export function openHttp(telemetry: Telemetry): {
  readonly app: FastifyInstance;
  readonly answerOf: AnswerError;
} {
  const answerOf = openAnswers(telemetry);
  const options = {
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    forceCloseConnections: true,
    // Requests that arrive during the shutdown are answered normally.
    return503OnClosing: false,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: {
      headersTimeout: HEADERS_MS,
      connectionsCheckingInterval: CHECK_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
      // Node refuses a request without Host with no body. We answer with an error of ours.
      requireHostHeader: false,
    },
    // The reader refuses a parameter that is too long, and names it.
    routerOptions: { maxParamLength: HEADER_BYTES_MAX },
    frameworkErrors: (thrown: Error, _request: FastifyRequest, reply: FastifyReply) => {
      const { status, headers, text } = answerOf(
        new ChatError("INVALID", thrown.message, { cause: thrown }),
        telemetry.begin("api unknown"),
        400,
      );
      void reply.code(status).headers(headers).send(text);
    },
    clientErrorHandler: (error: Error & { code: string }, socket: Socket) => {
      if (error.code === "ECONNRESET" || !socket.writable) {
        socket.destroy();
        return;
      }
      const known = STATUS_OF[error.code] ?? 400;
      const { status, headers, text } = answerOf(
        new ChatError("INVALID", SAID[known] ?? "this is not an HTTP request", { cause: error }),
        telemetry.begin("api unknown"),
        known,
      );
      socket.end(rawAnswer(status, headers, text));
    },
  };
  const app = fastify(options as FastifyServerOptions) as unknown as FastifyInstance;
  // An unknown `Expect` header is ignored, and the request is answered normally.
  app.server.on("checkExpectation", (request, response) => app.server.emit("request", request, response));
  // The schemas only describe. `readers.ts` checks the values.
  app.setValidatorCompiler(() => () => true);
  readJson(app);
  return { app, answerOf };
}

function rawAnswer(status: number, headers: Readonly<Record<string, string>>, text: string): string {
  const lines = Object.entries({
    ...headers,
    "content-length": String(Buffer.byteLength(text)),
    connection: "close",
  }).map(([name, value]) => `${name}: ${value}`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("\r\n")}\r\n\r\n${text}`;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Parses JSON bodies. Refuses invalid UTF-8 and invalid JSON. An empty body counts as none. The readers check
 * the keys.
 */
function readJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    "application/json",
    { parseAs: "buffer" },
    (_request, bytes: Buffer, done: (error: Error | null, body?: unknown) => void) => {
      let body: unknown;
      try {
        body = bytes.length === 0 ? undefined : parseJson(utf8.decode(bytes));
      } catch (cause) {
        done(new ChatError("INVALID", "the body is not JSON in UTF-8", { cause }));
        return;
      }
      done(null, body);
    },
  );
}
