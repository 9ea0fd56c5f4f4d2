import assert from "node:assert/strict";
import { test } from "node:test";
import { fastify } from "fastify";
import { answerByLevel } from "./answered.ts";
import { offlineParts } from "./offline-parts.ts";
import { buildServer } from "./server.ts";

test("the route of a verb answers from the level of the verb on, and FRAME_UNKNOWN below it", async () => {
  const level = { current: 0 };
  const app = fastify();
  answerByLevel(app, { level });
  let asked = 0;
  const answer = async (): Promise<object> => {
    asked += 1;
    return {};
  };
  app.put("/pin", { config: { verb: "pin" } }, answer);
  app.get("/plain", answer);
  const statusOf = async (method: "PUT" | "GET", url: string): Promise<number> =>
    (await app.inject({ method, url })).statusCode;

  const refused = await app.inject({
    method: "PUT",
    url: "/pin",
    payload: "{",
    headers: { "content-type": "x" },
  });
  assert.equal(refused.json<{ code: string }>().code, "FRAME_UNKNOWN");
  assert.equal(asked, 0);
  assert.equal(await statusOf("GET", "/plain"), 200);
  level.current = 1;
  assert.equal(await statusOf("PUT", "/pin"), 200);
  assert.equal(asked, 2);
  await app.close();
});

test("below level 1 no session is listed or ended and no account is deleted, whatever the request", async () => {
  const level = { current: 0 };
  const app = await buildServer({ ...offlineParts(), level });
  const codeOf = async (method: "DELETE" | "GET", url: string): Promise<string> =>
    (await app.inject({ method, url, headers: { authorization: "Bearer x" } })).json<{ code: string }>().code;
  const calls = [
    ["GET", "/v1/me/sessions"],
    ["DELETE", "/v1/me/sessions"],
    ["DELETE", "/v1/me/sessions/a.b"],
    ["DELETE", "/v1/me"],
  ] as const;
  for (const [method, url] of calls) assert.equal(await codeOf(method, url), "FRAME_UNKNOWN", url);
  level.current = 1;
  assert.equal(await codeOf("DELETE", "/v1/me"), "INVALID");
  assert.equal(await codeOf("DELETE", "/v1/me/sessions/a.b"), "INVALID");
  await app.close();
});
