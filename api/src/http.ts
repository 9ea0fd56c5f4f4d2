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
/** A request line and its headers; cursors are the longest that belongs there. */
const HEADER_BYTES_MAX = 16_384;
/** Who trickles a request holds a descriptor for no longer than this. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;
/** Longer than proxies keep a connection that waits, or they would send into one that we close. */
const KEEP_ALIVE_MS = 65_000;
const CHECK_MS = 2_000;

const STATUS_OF: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};
const SAID: Readonly<Record<number, string>> = {
  400: "this is not a request of HTTP",
  408: "the request did not come to its end in time",
  413: "an extension of a chunk is too long",
  431: `the request line and headers are more than ${HEADER_BYTES_MAX} bytes`,
};

/** Fastify with our bounds, our errors below the routes, and JSON read as the socket reads it. */
export function openHttp(telemetry: Telemetry): {
  readonly app: FastifyInstance;
  readonly answerOf: AnswerError;
} {
  const answerOf = openAnswers(telemetry);
  const options = {
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    forceCloseConnections: true,
    // What comes while we close is answered like any other.
    return503OnClosing: false,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: {
      headersTimeout: HEADERS_MS,
      connectionsCheckingInterval: CHECK_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
      // Node refuses what has no Host without a word; we do it with one.
      requireHostHeader: false,
    },
    // A parameter that is too long is refused by its reader, which names it.
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
        new ChatError("INVALID", SAID[known] ?? "this is not a request of HTTP", { cause: error }),
        telemetry.begin("api unknown"),
        known,
      );
      socket.end(rawAnswer(status, headers, text));
    },
  };
  const app = fastify(options as FastifyServerOptions) as unknown as FastifyInstance;
  // An expectation that we do not know is none: the answer says what became of the request.
  app.server.on("checkExpectation", (request, response) => app.server.emit("request", request, response));
  // The schemas describe; what they describe is read by `readers.ts`.
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

/** Bytes that are no UTF-8, or no JSON, are refused; nothing is no body. Keys are judged by the readers. */
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
