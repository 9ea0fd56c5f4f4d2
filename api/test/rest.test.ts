import { VERB_NAMES, verbOf } from "@jichat/conversation/tables.ts";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Accounts } from "@jichat/identity/accounts.ts";
import { UserNames } from "@jichat/identity/user-names.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { connectNats } from "@jichat/runtime/nats.ts";
import { startTelemetry } from "@jichat/runtime/telemetry.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";

let stack: Stack;
let destroy: () => Promise<void>;

before(async () => {
  ({ stack, destroy } = await startThrowaway({
    env: { api: { SIGN_INS_PER_SECOND: "3", TRUST_PROXY: "yes" } },
  }));
});
after(async () => destroy?.());

const QUIET = {
  cluster: "none",
  instance: "none",
  logLevel: "error",
  otlpEndpoint: undefined,
  traceRatio: 0,
} as const;

interface Reply {
  readonly status: number;
  readonly json: Record<string, unknown>;
  readonly headers: Headers;
}

async function call(
  method: string,
  path: string,
  token?: string,
  body?: unknown,
  from?: string,
): Promise<Reply> {
  const response = await fetch(stack.apiUrl + path, {
    method,
    headers: {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(from === undefined ? {} : { "x-forwarded-for": from }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return {
    status: response.status,
    json: (await response.json()) as Record<string, unknown>,
    headers: response.headers,
  };
}

async function signUp(user: string): Promise<string> {
  assert.equal(
    (
      await call("POST", "/v1/users", undefined, {
        user,
        password: "correct horse",
        name: user.toUpperCase(),
      })
    ).status,
    201,
  );
  const { status, json } = await call("POST", "/v1/sessions", undefined, { user, password: "correct horse" });
  assert.equal(status, 201);
  assert.ok(Number(json["expiresAt"]) > Date.now());
  return String(json["token"]);
}

test(
  "a user registers once, signs in, has a profile and is found, and every reply has a traceId",
  { timeout: 180_000 },
  async () => {
    const ann = await signUp("ann");
    await signUp("Anna");
    const taken = await call("POST", "/v1/users", undefined, { user: "ann", password: "another one" });
    assert.deepEqual([taken.status, taken.json["code"]], [409, "CONFLICT"]);
    const me = await call("GET", "/v1/me", ann);
    assert.deepEqual([me.json["user"], me.json["name"]], ["ann", "ANN"]);
    assert.equal(me.headers.get("traceparent")?.split("-")[1], me.json["traceId"]);
    assert.equal((await call("PATCH", "/v1/me", ann, { name: "Ann B." })).json["name"], "Ann B.");
    assert.equal((await call("GET", "/v1/users/ann", ann)).json["name"], "Ann B.");
    assert.equal((await call("GET", "/v1/users/nobody", ann)).json["code"], "NOT_FOUND");
    const first = await call("GET", "/v1/users?q=AN&limit=1", ann);
    assert.deepEqual(
      (first.json["items"] as { user: string }[]).map(({ user }) => user),
      ["ann"],
    );
    const second = await call("GET", `/v1/users?q=AN&limit=1&next=${String(first.json["next"])}`, ann);
    assert.deepEqual(
      (second.json["items"] as { user: string }[]).map(({ user }) => user),
      ["Anna"],
    );
  },
);

test(
  "bad input is INVALID and names the place, and an unknown path is NOT_FOUND",
  { timeout: 180_000 },
  async () => {
    const token = await signUp("bea");
    const cases: readonly (readonly [string, string, unknown])[] = [
      ["POST", "/v1/users", { user: "a b", password: "correct horse" }],
      ["POST", "/v1/users", { user: "u".repeat(65), password: "correct horse" }],
      ["POST", "/v1/users", { user: "cid", password: "short" }],
      ["POST", "/v1/users", "{"],
      ["POST", "/v1/users", "[]"],
      ["POST", "/v1/sessions", { user: "cid" }],
      ["POST", "/v1/conversations", { id: "x", kind: "room", name: "n", members: [] }],
      ["POST", "/v1/conversations", { id: "x", kind: "group", name: "", members: [] }],
      ["POST", "/v1/conversations", { id: "x", kind: "group", name: "n", members: ["a b"] }],
      ["POST", "/v1/conversations/g_1/messages", { id: "x".repeat(65), body: {} }],
      ["POST", "/v1/conversations/g_1/messages", { id: "x", body: "text" }],
      ["POST", "/v1/conversations/g_1/messages", { id: "x", body: { a: "x".repeat(9_000) } }],
      ["GET", "/v1/conversations/g_1/events?limit=0", undefined],
      ["GET", "/v1/conversations/g_1/events?after=1&before=2", undefined],
      ["GET", "/v1/conversations/a.b/events", undefined],
      ["GET", "/v1/conversations?since=rubbish", undefined],
      ["PATCH", "/v1/me", {}],
    ];
    for (const [method, path, body] of cases) {
      const { status, json } = await call(method, path, token, body);
      assert.deepEqual(
        [status, json["code"]],
        [400, "INVALID"],
        `${method} ${path} ${JSON.stringify(body)}: ${JSON.stringify(json)}`,
      );
      assert.ok(String(json["message"]).length > 5 && typeof json["traceId"] === "string");
    }
    assert.equal(
      (
        await call("POST", "/v1/conversations/g_1/messages", token, {
          id: "x",
          body: { a: "x".repeat(300_000) },
        })
      ).status,
      413,
    );
    assert.equal((await call("GET", "/v1/nothing", token)).json["code"], "NOT_FOUND");
    for (const bad of [undefined, "rubbish", "a.b.c"])
      assert.equal((await call("GET", "/v1/me", bad)).json["code"], "UNAUTHENTICATED");
  },
);

test(
  "a group has its members, each message once and pages of history, and strangers see nothing",
  { timeout: 180_000 },
  async () => {
    const [dora, eve] = [await signUp("dora"), await signUp("eve")];
    const made = await call("POST", "/v1/conversations", dora, {
      id: "g1",
      kind: "group",
      name: "G",
      members: ["finn"],
    });
    assert.equal(made.status, 201);
    const path = `/v1/conversations/${String(made.json["conversation"])}`;
    assert.equal(
      (
        await call("POST", "/v1/conversations", dora, {
          id: "g1",
          kind: "group",
          name: "G",
          members: ["finn"],
        })
      ).json["conversation"],
      made.json["conversation"],
    );
    for (let i = 1; i <= 5; i += 1)
      assert.equal(
        (await call("POST", `${path}/messages`, dora, { id: `m${i}`, body: { i } })).json["seq"],
        i + 1,
      );
    const again = await call("POST", `${path}/messages`, dora, { id: "m3", body: { i: 3 } });
    assert.deepEqual([again.json["seq"], again.json["duplicate"]], [4, true]);
    const page = await call("GET", `${path}/events?after=1&limit=2`, dora);
    assert.deepEqual(
      (page.json["events"] as { seq: number; body: { i: number } }[]).map(({ seq, body }) => [seq, body.i]),
      [
        [2, 1],
        [3, 2],
      ],
    );
    assert.deepEqual([page.json["first"], page.json["head"], page.json["more"]], [1, 6, true]);
    assert.deepEqual((await call("GET", `${path}/members`, dora)).json["items"], [
      { user: "dora", first: 1 },
      { user: "finn", first: 1 },
    ]);
    const listed = await call("GET", "/v1/conversations", dora);
    const [item] = listed.json["items"] as {
      name: string;
      unread: number;
      head: number;
      last: { body: object };
    }[];
    assert.deepEqual([item?.name, item?.unread, item?.head, item?.last.body], ["G", 0, 6, { i: 5 }]);
    const since = await call("GET", `/v1/conversations?since=${String(listed.json["cursor"])}`, dora);
    assert.deepEqual(since.json["items"], []);
    for (const [method, where, body] of [
      ["GET", `${path}/events`],
      ["GET", `${path}/members`],
      ["POST", `${path}/messages`, { id: "x", body: {} }],
    ] as const) {
      assert.equal((await call(method, where, eve, body)).json["code"], "NOT_FOUND");
    }
  },
);

test(
  "a name that differs by case alone and a reserved one are refused, and existing ones stay",
  { timeout: 180_000 },
  async () => {
    const password = "correct horse";
    const register = async (user: string): Promise<readonly unknown[]> => {
      const { status, json } = await call("POST", "/v1/users", undefined, { user, password });
      return [status, json["code"]];
    };
    // As an earlier version has made them, before anybody signs up in this process.
    const log = startTelemetry("api", QUIET).log;
    const nats = await connectNats(stack.natsUrl, "test", log);
    const names = namesOf("jichat");
    const accounts = await Accounts.open(nats, names);
    for (const user of ["Olga", "olga", "Pia"]) await accounts.create(user, { v: 1, createdAt: 1 });
    const userNames = await UserNames.open(nats, names, ["Sheriff"], systemClock);
    for (const user of ["OLGA", "oLgA", "pia", "SHERIFF", "JiChat-Synthetic-Talk"])
      await assert.rejects(userNames.claim(user), { code: "CONFLICT" });
    for (const user of ["OLGA", "pia", "admin", "Root", "sYsTeM", "support"])
      assert.deepEqual(await register(user), [409, "CONFLICT"], user);
    const both = await Promise.all(["Quinn", "QUINN", "quinn", "qUINN"].map(register));
    assert.deepEqual(both.map(([status]) => String(status)).sort(), ["201", "409", "409", "409"]);
    await nats.close();
  },
);

/** Ten guesses at once, then one in five seconds: hashing takes its time on a busy machine. */
const allowedSince = (started: number): number => 10 + Math.ceil((performance.now() - started) / 5_000);

test("guesses of a password are limited for the address and for the user", { timeout: 180_000 }, async () => {
  const started = performance.now();
  const tries = await Promise.all(
    Array.from({ length: 50 }, () =>
      call("POST", "/v1/sessions", undefined, { user: "ann", password: "guess-guess" }),
    ),
  );
  const codes = tries.map(({ json }) => json["code"]);
  assert.ok(codes.includes("RATE_LIMITED"), codes.join());
  const lookedAt = codes.filter((code) => code === "UNAUTHENTICATED").length;
  assert.ok(lookedAt <= allowedSince(started), `${lookedAt}: ${codes.join()}`);
  const limited = tries.find(({ json }) => json["code"] === "RATE_LIMITED");
  assert.ok(Number(limited?.json["retryAfterMs"]) > 0 && Number(limited?.headers.get("retry-after")) > 0);
});

test(
  "guesses from all addresses block strangers, but not the user at an address of an earlier sign-in",
  { timeout: 180_000 },
  async () => {
    const password = "correct horse";
    const signIn = async (from: string, tried: string): Promise<unknown> => {
      const { status, json } = await call(
        "POST",
        "/v1/sessions",
        undefined,
        { user: "rob", password: tried },
        from,
      );
      return status === 201 ? 201 : json["code"];
    };
    const made = await call("POST", "/v1/users", undefined, { user: "rob", password }, "192.0.2.1");
    assert.equal(made.status, 201);
    assert.equal(await signIn("192.0.2.1", password), 201);
    const started = performance.now();
    const guesses = await Promise.all(
      Array.from({ length: 40 }, (_, i) => signIn(`198.51.100.${i + 1}`, "guess-guess")),
    );
    assert.ok(guesses.includes("RATE_LIMITED"));
    for (let i = 0; i < 5; i += 1) {
      const tries = await Promise.all([1, 2, 3, 4].map(async () => signIn("203.0.113.7", "guess-guess")));
      assert.ok(tries.includes("RATE_LIMITED"), tries.join());
      guesses.push(...tries);
      assert.equal(await signIn("192.0.2.1", password), 201);
    }
    const lookedAt = guesses.filter((code) => code === "UNAUTHENTICATED").length;
    assert.ok(lookedAt <= allowedSince(started), `${lookedAt}: ${guesses.join()}`);
  },
);

test(
  "OpenAPI 3.1 names every call of the protocol, and the documentation and the config need no token",
  { timeout: 180_000 },
  async () => {
    const { json } = await call("GET", "/v1/openapi.json");
    assert.equal(json["openapi"], "3.1.0");
    const calls = Object.entries(json["paths"] as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const others = [
      "DELETE /v1/me",
      "DELETE /v1/me/devices/{device}/push",
      "DELETE /v1/me/sessions",
      "DELETE /v1/me/sessions/{device}",
      "DELETE /v1/page-session",
      "DELETE /v1/sessions",
      "GET /v1/config",
      "GET /v1/conversations",
      "GET /v1/conversations/{conversation}/events",
      "GET /v1/conversations/{conversation}/members",
      "GET /v1/me",
      "GET /v1/me/devices/{device}/push",
      "GET /v1/me/sessions",
      "GET /v1/people",
      "GET /v1/people/search",
      "GET /v1/push",
      "GET /v1/users",
      "GET /v1/users/{user}",
      "PATCH /v1/me",
      "POST /v1/page-session",
      "POST /v1/sessions",
      "POST /v1/users",
      "PUT /v1/me/devices/{device}/push",
      "PUT /v1/me/password",
      "PUT /v1/page-session",
    ];
    assert.deepEqual(calls.sort(), [...others, ...VERB_NAMES.map((name) => verbOf(name).rest)].sort());
    assert.equal((await fetch(`${stack.apiUrl}/docs/`)).status, 200);
    assert.deepEqual((await call("GET", "/v1/config")).json["ws"], stack.wsUrls);
  },
);
