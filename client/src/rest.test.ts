import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { RestError, callRest } from "./rest.ts";

/** What `fetch` is asked, while the test lasts, and answers. */
function answer(t: TestContext, reply: () => Response): [string, RequestInit][] {
  const asked: [string, RequestInit][] = [];
  t.mock.method(globalThis, "fetch", async (url: string, init: RequestInit) => {
    asked.push([url, init]);
    return reply();
  });
  return asked;
}

const refused = async (): Promise<RestError> => {
  try {
    await callRest("GET", "/v1/me", { api: "http://here", token: "t" });
  } catch (thrown) {
    assert.ok(thrown instanceof RestError, String(thrown));
    return thrown;
  }
  return assert.fail("it is no answer");
};

test("callRest sends the token and the body, and returns the answer", async (t) => {
  const asked = answer(t, () => new Response('{"user":"ann"}', { status: 201 }));
  const call = { api: "http://here", token: "t", body: { user: "ann" } };
  assert.deepEqual(await callRest("POST", "/v1/users", call), { user: "ann" });
  const [[url, init] = []] = asked;
  assert.equal(url, "http://here/v1/users");
  assert.deepEqual(
    [init?.method, init?.body, init?.headers],
    ["POST", '{"user":"ann"}', { "content-type": "application/json", authorization: "Bearer t" }],
  );
});

test("a server that accepts and never answers is UNAVAILABLE once its time is over, or its caller gives up", async () => {
  const server = createServer((request, response) => {
    if (request.url === "/begun") response.write("{");
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const path of ["/silent", "/begun"])
    for (const more of [{}, { signal: new AbortController().signal }])
      await assert.rejects(callRest("GET", path, { api, timeoutMs: 50, ...more }), {
        code: "UNAVAILABLE",
        status: 0,
      });
  const [before, meanwhile] = [AbortSignal.abort(new Error("gone")), new AbortController()];
  const waits = callRest("GET", "/begun", { api, signal: meanwhile.signal });
  setTimeout(() => {
    meanwhile.abort(new Error("gone"));
  }, 20);
  await assert.rejects(waits, { code: "UNAVAILABLE", message: /gone/ });
  await assert.rejects(callRest("GET", "/begun", { api, signal: before }), { message: /gone/ });
  server.closeAllConnections();
  server.close();
});

test("an answer without a JSON body is an error with the status, for any status", async (t) => {
  for (const [status, text, code] of [
    [200, "", "INVALID"],
    [200, "<html>", "INVALID"],
    [200, "5", "INVALID"],
    [204, undefined, "INVALID"],
    [404, "<html>not here</html>", "INVALID"],
    [429, "slow down", "RATE_LIMITED"],
    [502, "<html>bad gateway</html>", "UNAVAILABLE"],
    [503, "", "UNAVAILABLE"],
  ] as const) {
    answer(t, () => new Response(text, { status }));
    const error = await refused();
    assert.deepEqual([error.status, error.code], [status, code]);
    assert.match(error.message, new RegExp(`GET /v1/me was answered with ${status} and without JSON`));
    t.mock.restoreAll();
  }
});

test("an error of the api keeps its code, and an unknown code is replaced by its status", async (t) => {
  const said = '{"code":"BUSY","message":"no capacity","retryAfterMs":70,"traceId":"t"}';
  answer(t, () => new Response(said, { status: 503 }));
  const { status, code, message, retryAfterMs } = await refused();
  assert.deepEqual([status, code, message, retryAfterMs], [503, "BUSY", "no capacity", 70]);
  t.mock.restoreAll();
  answer(t, () => new Response('{"code":"OF_LATER","message":"new"}', { status: 418 }));
  const later = await refused();
  assert.deepEqual([later.status, later.code, later.message], [418, "INVALID", "new"]);
});

test("a missing answer is UNAVAILABLE with status 0", async (t) => {
  answer(t, () => {
    throw new TypeError("fetch failed");
  });
  const error = await refused();
  assert.deepEqual([error.status, error.code], [0, "UNAVAILABLE"]);
  assert.match(error.message, /GET \/v1\/me has no answer: TypeError: fetch failed/);
});
