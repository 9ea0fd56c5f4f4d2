import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import type { FastifyInstance } from "fastify";
import { ERRORS, isErrorCode } from "@jichat/protocol/errors.ts";
import { offlineParts } from "./offline-parts.ts";
import { buildServer } from "./server.ts";

let app: FastifyInstance;
let port: number;

before(async () => {
  const revocations = { revokeToken: async () => undefined };
  // Nobody is registered for push.
  const pushes = { withToken: async (_: unknown, act: () => Promise<unknown>) => act() };
  app = await buildServer(Object.assign(offlineParts(), { revocations, pushes }));
  await app.listen({ host: "127.0.0.1", port: 0 });
  const address = app.server.address();
  assert.ok(address !== null && typeof address === "object");
  ({ port } = address);
});
after(async () => app.close());

/** What comes back for these bytes, until the server closes. */
async function exchange(bytes: string): Promise<{ status: number; head: string; body: string }> {
  const socket = connect(port, "127.0.0.1");
  socket.end(bytes, "latin1");
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part as Buffer);
  const [head = "", body = ""] = Buffer.concat(parts).toString().split("\r\n\r\n");
  return { status: Number(head.split(" ")[1]), head: head.toLowerCase(), body };
}

const HOST = "host: x\r\nconnection: close\r\n";
const SIGNED = `${HOST}authorization: Bearer x\r\n`;
const JSON_TYPE = "content-type: application/json\r\n";

const CASES: readonly (readonly [
  what: string,
  bytes: string,
  status: number,
  code: string,
  head?: RegExp,
])[] = [
  ["a bad escape in a path", `GET /%zz HTTP/1.1\r\n${HOST}\r\n`, 400, "INVALID"],
  ["half a character in a path", `GET /v1/users/%ff HTTP/1.1\r\n${HOST}\r\n`, 400, "INVALID"],
  ["no such path", `GET /v1/nothing HTTP/1.1\r\n${HOST}\r\n`, 404, "NOT_FOUND"],
  [
    "no such path, with a body of a type that nobody knows",
    `POST /v1/nothing HTTP/1.1\r\n${HOST}content-type: a/b\r\ncontent-length: 1\r\n\r\nx`,
    404,
    "NOT_FOUND",
  ],
  [
    "another method",
    `PUT /v1/me HTTP/1.1\r\n${SIGNED}\r\n`,
    405,
    "INVALID",
    /\nallow: delete, get, head, patch\r/,
  ],
  [
    "another method of a path with an id",
    `DELETE /v1/conversations/g_1/events HTTP/1.1\r\n${SIGNED}\r\n`,
    405,
    "INVALID",
    /\nallow: get, head\r/,
  ],
  ["a method that is seldom", `PROPFIND /v1/users HTTP/1.1\r\n${HOST}\r\n`, 405, "INVALID", /\nallow: /],
  [
    "a body that is too large",
    `POST /v1/users HTTP/1.1\r\n${HOST}${JSON_TYPE}content-length: 300000\r\n\r\n`,
    413,
    "FRAME_TOO_LARGE",
  ],
  [
    "a body that is not JSON by its type",
    `POST /v1/users HTTP/1.1\r\n${HOST}content-type: text/plain\r\ncontent-length: 2\r\n\r\n{}`,
    415,
    "INVALID",
  ],
  ["a body of no type", `POST /v1/users HTTP/1.1\r\n${HOST}content-length: 2\r\n\r\n{}`, 415, "INVALID"],
  [
    "a type that is none",
    `POST /v1/users HTTP/1.1\r\n${HOST}content-type: ;;\r\ncontent-length: 2\r\n\r\n{}`,
    415,
    "INVALID",
  ],
  [
    "a JSON type and nothing",
    `POST /v1/users HTTP/1.1\r\n${HOST}${JSON_TYPE}content-length: 0\r\n\r\n`,
    400,
    "INVALID",
  ],
  ["nothing at all", `POST /v1/users HTTP/1.1\r\n${HOST}content-length: 0\r\n\r\n`, 400, "INVALID"],
  [
    "bytes that are not UTF-8",
    `POST /v1/users HTTP/1.1\r\n${HOST}${JSON_TYPE}content-length: 3\r\n\r\n"\xff"`,
    400,
    "INVALID",
  ],
  ["too many headers", `GET / HTTP/1.1\r\n${HOST}x: ${"x".repeat(20_000)}\r\n\r\n`, 431, "INVALID"],
  ["a path that is too long", `GET /${"x".repeat(20_000)} HTTP/1.1\r\n${HOST}\r\n`, 431, "INVALID"],
  ["no Host", "GET /v1/config HTTP/1.1\r\nconnection: close\r\n\r\n", 400, "INVALID"],
  ["what is not HTTP", "hello\r\n\r\n", 400, "INVALID"],
  ["another version of HTTP", `GET / HTTP/9.9\r\n${HOST}\r\n`, 400, "INVALID"],
  [
    "two lengths",
    `POST / HTTP/1.1\r\n${HOST}content-length: 1\r\ncontent-length: 2\r\n\r\n{}`,
    400,
    "INVALID",
  ],
  [
    "a chunk without a size",
    `POST /v1/users HTTP/1.1\r\n${HOST}${JSON_TYPE}transfer-encoding: chunked\r\n\r\nzz\r\n`,
    400,
    "INVALID",
  ],
  ["no token", `GET /v1/me HTTP/1.1\r\n${HOST}\r\n`, 401, "UNAUTHENTICATED", /\nwww-authenticate: bearer\r/],
];

test("every refusal has its status, a code of the table and a traceId, from each layer that may refuse", async () => {
  for (const [what, bytes, status, code, header = /traceparent/] of CASES) {
    const reply = await exchange(bytes);
    const told = `${what}: ${reply.head}\n${reply.body}`;
    assert.equal(reply.status, status, told);
    const json = JSON.parse(reply.body) as { code: string; message: string; traceId: string };
    assert.equal(json.code, code, told);
    assert.ok(isErrorCode(json.code) && json.message.length > 5, told);
    // INVALID stands for what HTTP has a status of its own for.
    if (json.code !== "INVALID") assert.equal(ERRORS[json.code].http, status, told);
    assert.match(json.traceId, /^[0-9a-f]{32}$/, told);
    assert.ok(reply.head.includes(`\ntraceparent: 00-${json.traceId}-`), told);
    assert.match(reply.head, header, told);
  }
});

test("a DELETE of type JSON without a body is answered, and so is a request with `Expect`", async () => {
  const deleted = await exchange(`DELETE /v1/sessions HTTP/1.1\r\n${SIGNED}${JSON_TYPE}\r\n`);
  assert.deepEqual([deleted.status, Object.keys(JSON.parse(deleted.body) as object)], [200, ["traceId"]]);
  const expecting = await exchange(`GET /v1/config HTTP/1.1\r\n${HOST}expect: wonders\r\n\r\n`);
  assert.equal(expecting.status, 200, expecting.head);
});

test("the time of a request is bounded", () => {
  const { headersTimeout, requestTimeout, keepAliveTimeout } = app.server;
  assert.ok(headersTimeout > 0 && headersTimeout <= 10_000);
  assert.ok(requestTimeout >= headersTimeout && requestTimeout <= 30_000);
  assert.ok(keepAliveTimeout > 0 && keepAliveTimeout <= 75_000);
});
