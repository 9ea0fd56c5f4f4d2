import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { systemClock } from "@jichat/protocol/clock.ts";
import { FCM_CODES, fcmError, fcmFieldError, googleError } from "@jichat/testkit/push/fcm-errors.ts";
import { FcmService } from "@jichat/testkit/push/fcm-service.ts";
import type { Expected } from "../../test/pushes.ts";
import {
  DOWN,
  GONE,
  LATER,
  NOTIFICATION,
  REFUSED,
  SENT,
  WITHDRAWAL,
  isOutcome,
  never,
} from "../../test/pushes.ts";
import { readFcm } from "../credential-forms.ts";
import { openFcm } from "./fcm.ts";

async function start(
  t: TestContext,
  options: { readonly attemptMs?: number; readonly file?: (service: FcmService) => string } = {},
) {
  const service = await FcmService.start();
  const { attemptMs = 3_000, file = (service: FcmService) => service.accountFile() } = options;
  const credentials = readFcm(file(service));
  const provider = openFcm({ ...credentials, clock: systemClock, attemptMs });
  t.after(async () => {
    provider.close();
    await service.stop();
  });
  const token = service.register();
  return {
    service,
    provider,
    target: { kind: "fcm", token } as const,
    secrets: [token, "ya29.", "PRIVATE KEY"],
  };
}

test("a notification is shown by the system, and opens its conversation", async (t) => {
  const { service, provider, target } = await start(t);
  assert.deepEqual(await provider.send(target, NOTIFICATION, never), SENT);
  const { conversation, collapseKey: tag } = NOTIFICATION;
  assert.deepEqual(service.received, [
    {
      token: target.token,
      android: {
        collapse_key: tag,
        priority: "HIGH",
        ttl: "3600s",
        notification: { tag, sound: "default", notification_count: 7 },
      },
      notification: { title: "Title of the test", body: "Text of the test" },
      data: { v: "1", is: "notification", conversation, seq: "42", tag, count: "3", badge: "7" },
    },
  ]);
  const { badge: _, ...plain } = NOTIFICATION;
  await provider.send(target, { ...plain, isUrgent: false, hasSound: false }, never);
  const quiet = service.received[1]?.android;
  assert.deepEqual([quiet?.priority, quiet?.notification], ["NORMAL", { tag }]);
});

test("a withdrawal has data alone, for the app", async (t) => {
  const { service, provider, target } = await start(t);
  assert.deepEqual(await provider.send(target, WITHDRAWAL, never), SENT);
  const { conversation, collapseKey: tag } = WITHDRAWAL;
  const android = { collapse_key: tag, priority: "NORMAL", ttl: "86400s" };
  const data = { v: "1", is: "withdrawal", conversation, seq: "42", tag, badge: "7" };
  assert.deepEqual(service.received, [{ token: target.token, data, android }]);
});

test("a text that is too long is shortened, between characters", async (t) => {
  const { service, provider, target } = await start(t);
  for (const character of ["a", "中", "👨‍👩‍👧‍👦", '"']) {
    const push = { ...NOTIFICATION, text: character.repeat(6_000) };
    assert.deepEqual(await provider.send(target, push, never), SENT);
    const body = service.received.at(-1)?.notification?.body ?? "";
    assert.ok(body.length > 1_000 && body.endsWith("…"));
    assert.equal(body.slice(0, -1).replaceAll(character, ""), "");
  }
});

test("one exchange serves all who wait for it, and the pushes after", async (t) => {
  const { service, provider, target } = await start(t);
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, async () => provider.send(target, NOTIFICATION, never)),
  );
  assert.ok(outcomes.every(({ is }) => is === "sent"));
  await provider.send(target, NOTIFICATION, never);
  assert.deepEqual([service.exchanges, service.received.length], [1, 51]);
});

test("an access token that ends soon is replaced while it serves; a revoked one at once", async (t) => {
  const { service, provider, target, secrets } = await start(t);
  service.tokenLifeS = 200;
  assert.deepEqual(await provider.send(target, NOTIFICATION, never), SENT);
  service.tokenLifeS = 3_600;
  assert.deepEqual(await provider.send(target, NOTIFICATION, never), SENT);
  assert.deepEqual(await provider.send(target, NOTIFICATION, never), SENT);
  service.revoke();
  isOutcome(await provider.send(target, NOTIFICATION, never), DOWN, /credentials are refused: 401/, secrets);
  assert.deepEqual(await provider.send(target, NOTIFICATION, never), SENT);
  assert.ok(service.exchanges <= 4);
});

/** What FCM and Google answer, and what it means. */
const ANSWERS: readonly (readonly [
  what: string,
  reply: { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> },
  outcome: Expected,
  reason: RegExp,
])[] = [
  ["UNREGISTERED", fcmError("UNREGISTERED"), GONE, /UNREGISTERED/],
  ["SENDER_ID_MISMATCH", fcmError("SENDER_ID_MISMATCH"), REFUSED, /SENDER_ID_MISMATCH/],
  ["INVALID_ARGUMENT", fcmError("INVALID_ARGUMENT"), REFUSED, /INVALID_ARGUMENT/],
  ["a wrong token", fcmFieldError("message.token", "wrong"), GONE, /token is not one of FCM/],
  ["a wrong field", fcmFieldError("message.android.ttl", "wrong"), REFUSED, /INVALID_ARGUMENT/],
  ["THIRD_PARTY_AUTH_ERROR", fcmError("THIRD_PARTY_AUTH_ERROR"), DOWN, /credentials.*THIRD_PARTY_AUTH_ERROR/],
  ["QUOTA_EXCEEDED", fcmError("QUOTA_EXCEEDED"), { ...LATER, afterMs: 60_000 }, /QUOTA_EXCEEDED/],
  [
    "QUOTA_EXCEEDED with a time",
    { ...fcmError("QUOTA_EXCEEDED"), headers: { "retry-after": "9" } },
    { ...LATER, afterMs: 9_000 },
    /QUOTA_EXCEEDED/,
  ],
  ["UNAVAILABLE", fcmError("UNAVAILABLE"), DOWN, /UNAVAILABLE/],
  [
    "UNAVAILABLE with a time",
    { ...fcmError("UNAVAILABLE"), headers: { "retry-after": "30" } },
    { ...DOWN, afterMs: 30_000 },
    /UNAVAILABLE/,
  ],
  ["INTERNAL", fcmError("INTERNAL"), DOWN, /INTERNAL/],
  ["no project", googleError(404, "NOT_FOUND"), DOWN, /project is not found/],
  ["no permission", googleError(403, "PERMISSION_DENIED"), DOWN, /credentials are refused: 403/],
  ["not signed in", googleError(401, "UNAUTHENTICATED"), DOWN, /credentials are refused: 401/],
  ["a proxy's 429", { status: 429, body: "<html>" }, { ...LATER, afterMs: 60_000 }, /429/],
  ["a proxy's 502", { status: 502, body: "<html>" }, DOWN, /502/],
  ["a proxy's 404", { status: 404, body: "[1" }, DOWN, /404/],
  ["a bare 400", { status: 400, body: "null" }, REFUSED, /400/],
  [
    "a code that is new",
    { status: 400, body: { error: { details: [{ errorCode: "toString" }] } } },
    REFUSED,
    /400/,
  ],
  ["a redirect", { status: 302, headers: { location: "http://127.0.0.1:1/" } }, DOWN, /302/],
];

test("every documented answer has its outcome", async (t) => {
  const { service, provider, target, secrets } = await start(t);
  for (const [what, reply, expected, reason] of ANSWERS) {
    service.faults.next({ is: "answer", ...reply });
    const outcome = await provider.send(target, NOTIFICATION, never);
    isOutcome(outcome, expected, reason, secrets);
    assert.ok(what !== "");
  }
  const told = new Set(ANSWERS.map(([what]) => what));
  assert.deepEqual(
    FCM_CODES.filter((code) => !told.has(code)),
    [],
  );
});

test("what an answer says is not repeated, since it may quote what was sent", async (t) => {
  const { service, provider, target, secrets } = await start(t);
  const error = { status: target.token, message: NOTIFICATION.text, details: [{ errorCode: target.token }] };
  for (const status of [400, 403, 404, 429, 500]) {
    service.faults.next({ is: "answer", status, body: { error } });
    const outcome = await provider.send(target, NOTIFICATION, never);
    assert.ok(!secrets.some((secret) => JSON.stringify(outcome).includes(secret)));
  }
});

test("tokens that are gone are gone, and unknown ones too", async (t) => {
  const { service, provider, target, secrets } = await start(t);
  service.unregister(target.token);
  isOutcome(await provider.send(target, NOTIFICATION, never), GONE, /UNREGISTERED/, secrets);
  isOutcome(
    await provider.send({ kind: "fcm", token: "other" }, NOTIFICATION, never),
    GONE,
    /not one of FCM/,
    secrets,
  );
  isOutcome(
    await provider.send({ kind: "apns", token: "x" }, NOTIFICATION, never),
    REFUSED,
    /not one of/,
    secrets,
  );
});

test("an account that is refused is down, and no token is gone for it", async (t) => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const { service, provider, target, secrets } = await start(t, {
    file: (service) => service.accountFile(privateKey),
  });
  isOutcome(
    await provider.send(target, NOTIFICATION, never),
    DOWN,
    /OAuth exchange.*400 invalid_grant$/,
    secrets,
  );
  service.tokenFaults.next({
    is: "answer",
    status: 400,
    body: { error: target.token, error_description: "secret" },
  });
  isOutcome(await provider.send(target, NOTIFICATION, never), DOWN, /OAuth exchange.*400$/, [
    ...secrets,
    "secret",
  ]);
});

test("a token endpoint that fails is asked again by the next push", async (t) => {
  const { service, provider, target, secrets } = await start(t, { attemptMs: 400 });
  const faults = [
    { is: "answer", status: 503 },
    { is: "answer", status: 200, body: { access_token: 5, expires_in: "x" } },
    { is: "answer", status: 200, body: "not JSON" },
    { is: "reset" },
    { is: "slow", ms: 700 },
  ] as const;
  service.tokenFaults.next(...faults);
  for (const [index, reason] of [/failed: 503/, /failed: 200/, /failed: 200/, /reached/, /in time/].entries())
    isOutcome(await provider.send(target, NOTIFICATION, never), DOWN, reason, [...secrets, `${index}.`]);
  service.faults.next({ is: "reset" }, { is: "garbled" }, { is: "cut" }, { is: "silent" });
  await new Promise((resolve) => setTimeout(resolve, 500));
  for (const reason of [/reached/, /not HTTP/, /reached/, /in time/])
    isOutcome(await provider.send(target, NOTIFICATION, never), DOWN, reason, secrets);
  assert.deepEqual(await provider.send(target, NOTIFICATION, never), SENT);
});
