import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { VirtualClock } from "../test/virtual-clock.ts";
import { changePassword, connectors, findUsers, signIn, signOut, signUp } from "./account.ts";
import { restDirectory } from "./rest-directory.ts";

type Answer = (path: string, init: RequestInit) => readonly [status: number, body: object];

/** Calls of `fetch` while the test lasts, as `METHOD path token`. */
function server(t: TestContext, answer: Answer): string[] {
  const calls: string[] = [];
  t.mock.method(globalThis, "fetch", async (url: string, init: RequestInit) => {
    const path = url.replace("http://here", "");
    const { authorization = "-" } = init.headers as Record<string, string>;
    calls.push(`${init.method} ${path} ${authorization.replace("Bearer ", "")}`);
    const [status, body] = answer(path, init);
    return new Response(JSON.stringify(body), { status });
  });
  return calls;
}

const HERE = { api: "http://here" };
const ANN = { user: "ann", password: "correct horse" };

test("an account is made, a session begins, has another password, and ends", async (t) => {
  const calls = server(t, (path, { body }) => {
    if (path === "/v1/users") return [201, { user: "ann" }];
    if (path === "/v1/me/password") return [200, { token: "t2", expiresAt: 2, body }];
    return [201, { token: "t1", expiresAt: 1 }];
  });
  assert.deepEqual(await signUp(ANN, HERE), { user: "ann" });
  const session = await signIn(ANN, HERE);
  assert.deepEqual(session, { user: "ann", token: "t1", expiresAt: 1 });
  const next = await changePassword(session, { old: "correct horse", wanted: "battery staple" }, HERE);
  assert.deepEqual(next, { user: "ann", token: "t2", expiresAt: 2 });
  await signOut(next, HERE);
  assert.deepEqual(calls, [
    "POST /v1/users -",
    "POST /v1/sessions -",
    "PUT /v1/me/password t1",
    "DELETE /v1/sessions t2",
  ]);
});

test("users are found by the beginning of their id, connectors without a token", async (t) => {
  const calls = server(t, (path) =>
    path.startsWith("/v1/users")
      ? [200, { items: [{ user: "bob", name: "Bob" }] }]
      : [200, { ws: ["ws://a"] }],
  );
  assert.deepEqual(await findUsers({ token: "t" }, { prefix: "b&" }, HERE), [{ user: "bob", name: "Bob" }]);
  assert.deepEqual(await connectors(HERE), ["ws://a"]);
  assert.deepEqual(calls, ["GET /v1/users?q=b%26&limit=8 t", "GET /v1/config -"]);
});

test("a refusal has its code, its status and its traceId", async (t) => {
  server(t, () => [401, { code: "UNAUTHENTICATED", message: "no", traceId: "abc" }]);
  await assert.rejects(signIn(ANN, HERE), { code: "UNAUTHENTICATED", status: 401, traceId: "abc" });
});

test("a directory asks for one token, and for another when that one has ended", async (t) => {
  let good = "t1";
  const calls = server(t, (path, { headers }) => {
    if ((headers as Record<string, string>)["authorization"] !== `Bearer ${good}`)
      return [401, { code: "TOKEN_EXPIRED", message: "no", traceId: "x" }];
    return path.includes("members")
      ? [200, { items: [{ user: "bob" }], next: "bob" }]
      : [200, { items: [{ user: "bob" }] }];
  });
  let tokens = 0;
  const directory = restDirectory(async () => {
    tokens += 1;
    return `t${tokens}`;
  }, HERE);
  await directory.profiles(["bob", "cleo"]);
  assert.deepEqual(await directory.members("g_a", "ann"), { users: ["bob"], next: "bob" });
  good = "t2";
  await directory.profiles(["bob", "cleo"]);
  assert.deepEqual(calls, [
    "GET /v1/people?users=bob,cleo t1",
    "GET /v1/conversations/g_a/members?after=ann t1",
    "GET /v1/people?users=bob,cleo t1",
    "GET /v1/people?users=bob,cleo t2",
  ]);
  good = "none";
  await assert.rejects(directory.profiles(["bob", "cleo"]), { code: "TOKEN_EXPIRED" });
  assert.equal(tokens, 3);
});

test("a directory asks for a token again after one that was never given", async (t) => {
  server(t, () => [200, { items: [{ user: "bob" }] }]);
  const clock = new VirtualClock();
  let tokens = 0;
  const token = async (): Promise<string> => {
    tokens += 1;
    return tokens === 1 ? new Promise<string>(() => undefined) : "t2";
  };
  const directory = restDirectory(token, HERE, clock);
  const asked = assert.rejects(directory.profiles(["bob"]), { code: "UNAVAILABLE", message: /30 s/ });
  await clock.pass(31_000);
  await asked;
  assert.deepEqual(await directory.profiles(["bob"]), [{ user: "bob" }]);
});
