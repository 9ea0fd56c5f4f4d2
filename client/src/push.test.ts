import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { pushOffer, registerPush, registeredPush, removePush } from "./push.ts";
import { remedyOf } from "./remedy.ts";
import { RestError } from "./rest.ts";

const HERE = { api: "http://here" };
const ANN = { token: "t1" };
const WISH = { locale: "en", preview: "sender" } as const;
const SUBSCRIPTION = { endpoint: "https://push.example/1", keys: { p256dh: "p", auth: "a" } };

/** Requests while the test lasts, each with its body. */
function server(t: TestContext, status: number, reply: object): (readonly [string, unknown])[] {
  const calls: (readonly [string, unknown])[] = [];
  t.mock.method(globalThis, "fetch", async (url: string, { method, headers, body }: RequestInit) => {
    const { authorization = "" } = headers as Record<string, string>;
    const said: unknown = typeof body === "string" ? JSON.parse(body) : undefined;
    calls.push([`${method} ${url.replace("http://here", "")} ${authorization}`, said]);
    return new Response(JSON.stringify(reply), { status });
  });
  return calls;
}

test("a browser's subscription is registered as the server takes it, whatever else the browser adds", async (t) => {
  const calls = server(t, 200, { device: "phone", traceId: "x" });
  const live = { toJSON: () => ({ ...SUBSCRIPTION, expirationTime: null }) };
  for (const subscription of [SUBSCRIPTION, live, { ...SUBSCRIPTION, expirationTime: null }])
    await registerPush(ANN, "phone", { kind: "webpush", subscription, ...WISH }, HERE);
  const body = { kind: "webpush", subscription: SUBSCRIPTION, ...WISH };
  assert.deepEqual(
    calls,
    [1, 2, 3].map(() => ["PUT /v1/me/devices/phone/push Bearer t1", body]),
  );
});

test("a token is registered, told and removed, and the cluster's offer is asked for", async (t) => {
  const calls = server(t, 200, { device: "a b", kinds: ["fcm"], traceId: "x" });
  const quiet = { from: "22:00", to: "07:00", zone: "Europe/Berlin" };
  await registerPush(ANN, "a b", { kind: "fcm", token: "f1", ...WISH, quiet }, HERE);
  assert.equal((await registeredPush(ANN, "a b", HERE)).device, "a b");
  await removePush(ANN, "a b", HERE);
  assert.deepEqual((await pushOffer(ANN, HERE)).kinds, ["fcm"]);
  assert.deepEqual(calls, [
    ["PUT /v1/me/devices/a%20b/push Bearer t1", { kind: "fcm", token: "f1", ...WISH, quiet }],
    ["GET /v1/me/devices/a%20b/push Bearer t1", undefined],
    ["DELETE /v1/me/devices/a%20b/push Bearer t1", undefined],
    ["GET /v1/push Bearer t1", undefined],
  ]);
});

test("a refusal has its code, what is wrong, and a remedy", async (t) => {
  server(t, 403, { code: "FORBIDDEN", message: "`kind` is apns, and this cluster offers push by fcm alone" });
  const asked = registerPush(ANN, "phone", { kind: "apns", token: "ab", ...WISH }, HERE);
  const refusal = await asked.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(refusal instanceof RestError && /offers push by fcm/.test(refusal.message));
  assert.deepEqual([refusal.status, refusal.code, remedyOf(refusal)], [403, "FORBIDDEN", "stop"]);
});
