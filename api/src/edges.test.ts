import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";
import type { FastifyInstance } from "fastify";
import { offlineParts } from "./offline-parts.ts";
import { openApi } from "./openapi.ts";
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

test("every answer has a content policy, which allows the connectors and upgrades no request", async () => {
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

const OTHER = "https://elsewhere.example";
test("every route answers the preflight of an allowed page, without a token, and allows another page nothing", async () => {
  const { paths } = await openApi<{
    readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  }>();
  const calls = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({
      url: path.replaceAll(/\{\w+\}/g, "x"),
      method: method.toUpperCase(),
    })),
  );
  assert.ok(calls.length > 15);
  for (const { url, method } of calls)
    for (const origin of [ORIGIN, OTHER]) {
      const { statusCode, headers } = await app.inject({
        method: "OPTIONS",
        url,
        headers: {
          origin,
          "access-control-request-method": method,
          "access-control-request-headers": "authorization,content-type",
        },
      });
      const what = `${method} ${url} of ${origin}`;
      assert.equal(statusCode, 204, what);
      assert.equal(headers["access-control-allow-origin"], origin === ORIGIN ? ORIGIN : undefined, what);
      assert.ok(String(headers["access-control-allow-methods"]).split(", ").includes(method), what);
      assert.equal(headers["access-control-allow-headers"], "authorization, content-type", what);
      assert.equal(headers["access-control-allow-credentials"], undefined, what);
      assert.match(String(headers["vary"]), /\bOrigin\b/, what);
    }
});

test("a cache never shows one page the answer that another was allowed: `Vary` names Origin, with and without one", async () => {
  for (const headers of [{}, { origin: ORIGIN }, { origin: OTHER }])
    for (const url of ["/v1/config", "/v1/me", "/v1/nothing"]) {
      const answer = await app.inject({ method: "GET", url, headers });
      assert.match(String(answer.headers["vary"]), /\bOrigin\b/, url);
    }
});

test("without `ORIGINS` no page of another origin may call; with `*` every page may, and still no cookie counts", async () => {
  for (const [origins, allowed] of [
    [[], undefined],
    [["*"], "*"],
  ] as const) {
    const other = await buildServer(offlineParts({ origins }));
    try {
      const { headers } = await other.inject({
        method: "GET",
        url: "/v1/config",
        headers: { origin: OTHER },
      });
      assert.equal(headers["access-control-allow-origin"], allowed);
      assert.equal(headers["access-control-allow-credentials"], undefined);
    } finally {
      await other.close();
    }
  }
});

test("pages of `ORIGINS` may call and read errors, and other pages may not", async () => {
  for (const url of ["/v1/config", "/v1/nothing", "/v1/me"]) {
    const ours = await app.inject({ method: "GET", url, headers: { origin: ORIGIN } });
    assert.equal(ours.headers["access-control-allow-origin"], ORIGIN);
    const others = await app.inject({ method: "GET", url, headers: { origin: OTHER } });
    assert.equal(others.headers["access-control-allow-origin"], undefined);
    for (const { headers } of [ours, others])
      assert.equal(
        headers["access-control-allow-credentials"],
        undefined,
        "a browser sends nothing by itself",
      );
  }
});

test("files with a hash in their name are compressed and cached for good, and answers are neither", async () => {
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
