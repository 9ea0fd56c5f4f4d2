import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";
import type { FastifyInstance } from "fastify";
import { offlineParts } from "./offline-parts.ts";
import { buildServer } from "./server.ts";

const ORIGIN = "https://chat.example.org";
const SCRIPT = "console.log('hello');\n".repeat(1_000);
let app: FastifyInstance;
let webRoot: string;

before(async () => {
  webRoot = mkdtempSync(join(tmpdir(), "jichat-edges-"));
  writeFileSync(join(webRoot, "index.html"), "<!doctype html><title>JiChat</title>");
  writeFileSync(join(webRoot, "main-ABCD2345.js"), SCRIPT);
  writeFileSync(join(webRoot, "icon.svg"), "<svg/>");
  writeFileSync(join(webRoot, "packed-ABCD2345.js"), SCRIPT);
  writeFileSync(join(webRoot, "packed-ABCD2345.js.br"), brotliCompressSync(SCRIPT));
  writeFileSync(join(webRoot, "packed-ABCD2345.js.gz"), gzipSync(SCRIPT));
  const wsUrls = ["wss://chat.example.org/v1/ws", "ws://127.0.0.1:8081/v1/ws"];
  app = await buildServer(offlineParts({ webRoot, wsUrls, origins: [ORIGIN] }));
  await app.ready();
});
after(async () => {
  await app.close();
  rmSync(webRoot, { recursive: true, force: true });
});

test("every answer has its policy; the page may reach the connectors, and nothing is upgraded", async () => {
  for (const url of ["/", "/v1/config", "/v1/nothing", "/v1/me", "/docs/", "/docs/static/swagger-ui.css"]) {
    const { headers } = await app.inject({ method: "GET", url });
    const policy = String(headers["content-security-policy"]);
    assert.match(policy, /default-src 'self'/, url);
    assert.match(policy, /frame-ancestors 'none'/, url);
    assert.doesNotMatch(policy, /upgrade-insecure-requests/, url);
    assert.equal(/style-src 'self' 'unsafe-inline'/.test(policy), url.startsWith("/docs"), url);
    assert.deepEqual(
      [headers["x-content-type-options"], headers["referrer-policy"], headers["x-frame-options"]],
      ["nosniff", "no-referrer", "DENY"],
    );
    assert.match(String(headers["content-type"]), /; charset=utf-8$/i, url);
    assert.equal(headers["set-cookie"], undefined, url);
    if (url === "/")
      assert.match(policy, /connect-src 'self' wss:\/\/chat\.example\.org ws:\/\/127\.0\.0\.1:8081/);
  }
});

test("pages of `ORIGINS` may call, and read errors too; others may not", async () => {
  for (const url of ["/v1/config", "/v1/nothing", "/v1/me"]) {
    const ours = await app.inject({ method: "GET", url, headers: { origin: ORIGIN } });
    assert.equal(ours.headers["access-control-allow-origin"], ORIGIN);
    const others = await app.inject({ method: "GET", url, headers: { origin: "https://elsewhere.example" } });
    assert.notEqual(others.headers["access-control-allow-origin"], "https://elsewhere.example");
    for (const { headers } of [ours, others])
      assert.equal(
        headers["access-control-allow-credentials"],
        undefined,
        "a browser sends nothing by itself",
      );
  }
  const preflight = await app.inject({
    method: "OPTIONS",
    url: "/v1/me",
    headers: {
      origin: ORIGIN,
      "access-control-request-method": "PATCH",
      "access-control-request-headers": "authorization,content-type",
    },
  });
  assert.equal(preflight.statusCode, 204);
  assert.match(String(preflight.headers["access-control-allow-methods"]), /PATCH/);
  assert.match(String(preflight.headers["access-control-allow-headers"]), /authorization/);
});

test("files with a hash in their name are kept for good and compressed; answers are neither", async () => {
  const headers = { "accept-encoding": "gzip, br", range: "bytes=0-9" };
  const script = await app.inject({ method: "GET", url: "/main-ABCD2345.js", headers });
  assert.equal(script.headers["cache-control"], "public, max-age=31536000, immutable");
  assert.equal(script.statusCode, 200);
  assert.match(String(script.headers["content-encoding"]), /^(br|gzip)$/);
  assert.ok(script.rawPayload.length < SCRIPT.length / 4);
  assert.match(String(script.headers.vary), /accept-encoding/i);
  for (const url of ["/", "/icon.svg"])
    assert.equal((await app.inject({ method: "GET", url })).headers["cache-control"], "no-cache");
  const answer = await app.inject({ method: "GET", url: "/v1/openapi.json", headers });
  assert.equal(answer.headers["content-encoding"], undefined);
  assert.equal(answer.headers["cache-control"], "no-store");
});

test("a file that the build has compressed is served as it is, to each reader in a form that it takes", async () => {
  const get = async (encodings: string) =>
    app.inject({ method: "GET", url: "/packed-ABCD2345.js", headers: { "accept-encoding": encodings } });
  for (const [asked, encoding, unpack] of [
    ["gzip, deflate, br", "br", brotliDecompressSync],
    ["gzip", "gzip", gunzipSync],
    ["identity", undefined, (bytes: Buffer) => bytes],
  ] as const) {
    const { headers, rawPayload } = await get(asked);
    assert.equal(headers["content-encoding"], encoding, asked);
    assert.equal(headers["content-length"], String(rawPayload.length), asked);
    assert.match(String(headers["content-type"]), /javascript; charset=utf-8/i);
    assert.equal(headers["cache-control"], "public, max-age=31536000, immutable");
    assert.match(String(headers.vary), /accept-encoding/i);
    assert.equal(unpack(rawPayload).toString(), SCRIPT);
  }
});
