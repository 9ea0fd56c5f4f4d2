import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";
import { until } from "@jichat/testkit/until.ts";

let stack: Stack;
let destroy: () => Promise<void>;
let token = "";

before(async () => {
  ({ stack, destroy } = await startThrowaway({ env: { api: { SIGN_INS_PER_SECOND: "1000" } } }));
});
after(async () => destroy?.());

async function call(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const reply = await fetch(stack.apiUrl + path, {
    method,
    headers: {
      ...(token === "" ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: reply.status, ...((await reply.json()) as object) };
}

const signUp = async (user: string, name?: string) =>
  call("POST", "/v1/users", { user, password: "correct horse", ...(name === undefined ? {} : { name }) });
const found = async (q: string): Promise<unknown> =>
  (await call("GET", `/v1/people/search?q=${encodeURIComponent(q)}`))["items"];

test("people are found by id and by any word of their name, also after a new name and a loss of Redis", async () => {
  await signUp("u1", "Anna de la Müller");
  await signUp("u2", "王小明");
  await signUp("anton");
  token = String((await call("POST", "/v1/sessions", { user: "u1", password: "correct horse" }))["token"]);
  const anna = { user: "u1", name: "Anna de la Müller" };
  assert.deepEqual(await found("mull"), [anna]);
  assert.deepEqual(await found("AN"), [{ user: "anton" }, anna]);
  assert.deepEqual(await found("小"), [{ user: "u2", name: "王小明" }]);
  assert.deepEqual(await found("nobody"), []);

  await call("PATCH", "/v1/me", { name: "Cleo" });
  assert.deepEqual(await found("cle"), [{ user: "u1", name: "Cleo" }]);
  assert.deepEqual(await found("anna"), []);

  await stack.redis?.kill();
  stack.redis?.start();
  await until("names are found again", 30_000, async () => {
    const items = await found("cle");
    return Array.isArray(items) && items.length === 1;
  });
  assert.deepEqual(await found("小"), [{ user: "u2", name: "王小明" }]);
});

test("profiles of a hundred users at once, and not of one more", async () => {
  const users = (count: number): string =>
    Array.from({ length: count }, (_, i) => (i === 7 ? "u1" : `nobody-${i}`)).join(",");
  assert.deepEqual((await call("GET", `/v1/people?users=${users(100)}`))["items"], [
    { user: "u1", name: "Cleo" },
  ]);
  const refused = await call("GET", `/v1/people?users=${users(101)}`);
  assert.equal(refused["status"], 400);
  assert.match(String(refused["message"]), /`users`/);
  assert.equal((await call("GET", "/v1/people?users=a,,b"))["status"], 400);
});

test("a deleted account is found neither by its name nor by its id, and its profile says what it is", async () => {
  const other = token;
  await signUp("u3", "Zoe Zimmer");
  token = String((await call("POST", "/v1/sessions", { user: "u3", password: "correct horse" }))["token"]);
  assert.deepEqual(await found("zim"), [{ user: "u3", name: "Zoe Zimmer" }]);
  assert.equal((await call("DELETE", "/v1/me", { password: "correct horse" }))["status"], 200);
  token = other;
  for (const q of ["zim", "zoe", "deleted", "u3"]) assert.deepEqual(await found(q), [], q);
  assert.deepEqual((await call("GET", "/v1/people?users=u3"))["items"], [
    { user: "u3", name: "deleted", deleted: true },
  ]);
});
