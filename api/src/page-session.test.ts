import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { FastifyInstance, InjectOptions } from "fastify";
import { ChatError } from "@jichat/protocol/errors.ts";
import { offlineParts } from "./offline-parts.ts";
import { buildServer } from "./server.ts";

const NOW = 1_800_000_000_000;
const PATH = "/v1/page-session";
const ORIGIN = "https://elsewhere.example";
const OURS = { "jichat-page": "1", "sec-fetch-site": "same-origin" };

let app: FastifyInstance;
let isRevocationKnown = true;

before(async () => {
  const verify = async (token: string) => {
    if (!isRevocationKnown) throw new ChatError("UNAVAILABLE", "not known just now");
    if (token !== "good.token") throw new ChatError("TOKEN_EXPIRED", "the token has expired");
    return { user: "ann", expiresAt: NOW + 90_500, issuedAt: NOW, tokenId: "t" };
  };
  app = await buildServer({
    ...offlineParts({ origins: [ORIGIN] }),
    tokens: { verify },
    clock: { now: () => NOW },
  });
  await app.ready();
});
after(async () => app.close());

const ask = async (method: InjectOptions["method"], headers: Record<string, string>) =>
  app.inject({ method: method ?? "GET", url: PATH, headers });

test("a token becomes a cookie that no script reads and no other site sends, for as long as it lives", async () => {
  const authorization = "Bearer good.token";
  const plain = await ask("PUT", { ...OURS, authorization, origin: "http://chat.lan" });
  assert.equal(plain.statusCode, 200);
  assert.equal(
    plain.headers["set-cookie"],
    "jichat-session=good.token; Path=/v1/page-session; Max-Age=90; HttpOnly; SameSite=Strict",
  );
  const secure = await ask("PUT", { ...OURS, authorization, origin: "https://chat.example" });
  assert.match(String(secure.headers["set-cookie"]), /SameSite=Strict; Secure$/);
});

test("the cookie is exchanged for its token, and forgotten once the token has ended", async () => {
  const good = await ask("POST", { ...OURS, cookie: "other=1; jichat-session=good.token" });
  assert.equal(good.statusCode, 200);
  const { user, token, expiresAt } = good.json<Record<string, unknown>>();
  assert.deepEqual([user, token, expiresAt], ["ann", "good.token", NOW + 90_500]);
  assert.equal(good.headers["set-cookie"], undefined);

  const ended = await ask("POST", { ...OURS, cookie: "jichat-session=old.token" });
  assert.deepEqual(
    [ended.statusCode, ended.json<{ user?: string; token?: string }>().token],
    [200, undefined],
    "nobody is signed in any more",
  );
  assert.match(String(ended.headers["set-cookie"]), /^jichat-session=; .*Max-Age=0;/);

  isRevocationKnown = false;
  const unsure = await ask("POST", { ...OURS, cookie: "jichat-session=good.token" });
  isRevocationKnown = true;
  assert.equal(unsure.statusCode, 503);
  assert.equal(unsure.headers["set-cookie"], undefined, "who is signed in stays so while a backend is away");

  const nobody = await ask("POST", OURS);
  assert.deepEqual([nobody.statusCode, nobody.json<{ user?: string }>().user], [200, undefined]);
  const gone = await ask("DELETE", { ...OURS, cookie: "jichat-session=good.token" });
  assert.match(String(gone.headers["set-cookie"]), /^jichat-session=; .*Max-Age=0;/);
});

test("another site's page gets and changes nothing", async () => {
  const cookie = "jichat-session=good.token";
  for (const method of ["POST", "PUT", "DELETE"] as const)
    for (const headers of [
      { cookie, authorization: "Bearer good.token" },
      { ...OURS, cookie, "sec-fetch-site": "cross-site" },
      { ...OURS, cookie, "sec-fetch-site": "same-site" },
      { cookie, "sec-fetch-site": "none" },
    ]) {
      const reply = await ask(method, headers);
      assert.equal(reply.statusCode, 403, `${method} ${JSON.stringify(headers)}`);
      assert.equal(reply.headers["set-cookie"], undefined);
    }
  const preflight = await ask("OPTIONS", {
    origin: ORIGIN,
    "access-control-request-method": "POST",
    "access-control-request-headers": "jichat-page",
  });
  assert.doesNotMatch(String(preflight.headers["access-control-allow-headers"]), /jichat-page/);
  assert.equal(preflight.headers["access-control-allow-credentials"], undefined);
});

test("no other route takes the cookie in place of a token", async () => {
  const headers = { ...OURS, cookie: "jichat-session=good.token" };
  for (const url of ["/v1/me", "/v1/people?users=ann", "/v1/conversations"])
    assert.equal((await app.inject({ method: "GET", url, headers })).statusCode, 401, url);
  assert.equal((await ask("PUT", headers)).statusCode, 401);
});
