import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import webPush from "web-push";
import { systemClock } from "@jichat/protocol/clock.ts";
import { WebPushService } from "@jichat/testkit/push/web-push-service.ts";
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
import { readRanges } from "./public-address.ts";
import { openWebPush } from "./web-push.ts";

const LOOPBACK = readRanges(["127.0.0.0/8"]);
const SUBJECT = "mailto:admin@chat.example";

async function start(
  t: TestContext,
  options: { readonly attemptMs?: number; readonly isStrict?: true } = {},
) {
  const service = await WebPushService.start();
  const vapid = { subject: SUBJECT, ...webPush.generateVAPIDKeys() };
  const allowed = options.isStrict === true ? [] : LOOPBACK;
  const { attemptMs = 2_000 } = options;
  const provider = openWebPush({ vapid, guard: { allowed }, clock: systemClock, attemptMs });
  t.after(async () => {
    provider.close();
    await service.stop();
  });
  const target = service.subscribe(vapid.publicKey);
  const secrets = [target.endpoint, target.auth, target.p256dh, vapid.privateKey];
  return { service, provider, target, secrets, vapid };
}

test("a notification comes as its browser can read it", async (t) => {
  const { service, provider, target, vapid } = await start(t);
  assert.deepEqual(await provider.send(target, NOTIFICATION, never), SENT);
  const [push] = service.received;
  assert.deepEqual(push?.payload, {
    v: 1,
    is: "notification",
    title: "Title of the test",
    text: "Text of the test",
    conversation: NOTIFICATION.conversation,
    seq: 42,
    badge: 7,
    tag: NOTIFICATION.collapseKey,
    count: 3,
    sound: true,
  });
  assert.deepEqual([push?.ttl, push?.topic, push?.urgency], [3_600, NOTIFICATION.collapseKey, "high"]);
  const { badge: _, ...plain } = NOTIFICATION;
  await provider.send(
    service.subscribe(vapid.publicKey),
    { ...plain, isUrgent: false, hasSound: false },
    never,
  );
  const quiet = service.received[1];
  assert.equal(quiet?.urgency, "normal");
  assert.deepEqual(
    Object.keys(quiet?.payload ?? {}).filter((name) => /badge|sound/.test(name)),
    [],
  );
});

test("a withdrawal has the badge and what to remove", async (t) => {
  const { service, provider, target } = await start(t);
  assert.deepEqual(await provider.send(target, WITHDRAWAL, never), SENT);
  const [push] = service.received;
  const { conversation, seq, badge, collapseKey: tag } = WITHDRAWAL;
  assert.deepEqual(push?.payload, { v: 1, is: "withdrawal", conversation, seq, badge, tag });
  assert.deepEqual([push?.ttl, push?.topic, push?.urgency], [86_400, tag, "low"]);
});

test("a text that is too long is shortened to what a push service takes, and no byte more is lost", async (t) => {
  const { service, provider, target } = await start(t);
  for (const character of ["a", "é", "中", "👨‍👩‍👧‍👦", '"', "\\"]) {
    const push = { ...NOTIFICATION, text: character.repeat(6_000) };
    assert.deepEqual(await provider.send(target, push, never), SENT);
    const { bytes, payload } = service.received.at(-1) ?? { bytes: 0, payload: {} };
    const { text, title } = payload as { readonly text: string; readonly title: string };
    assert.equal(title, NOTIFICATION.title);
    assert.equal(text.slice(0, -1).replaceAll(character, ""), "", "it is cut between characters");
    assert.ok(text.endsWith("…"));
    assert.ok(bytes <= 4_096 && bytes > 4_096 - 26, `${bytes} bytes of ${character}`);
  }
  const long = { ...NOTIFICATION, title: "t".repeat(9_000), text: "x" };
  assert.deepEqual(await provider.send(target, long, never), SENT);
});

/** What push services answer, and what it means. */
const ANSWERS: readonly (readonly [status: number, headers: Record<string, string>, outcome: Expected])[] = [
  [200, {}, SENT],
  [201, {}, SENT],
  [202, {}, SENT],
  [404, {}, GONE],
  [410, {}, GONE],
  [400, {}, REFUSED],
  [405, {}, REFUSED],
  [413, {}, REFUSED],
  [429, {}, LATER],
  [429, { "retry-after": "7" }, { ...LATER, afterMs: 7_000 }],
  [429, { "retry-after": "Fri, 02 Jan 2026 03:04:05 GMT" }, { ...LATER, afterMs: 0 }],
  [429, { "retry-after": "soon" }, LATER],
  [408, {}, LATER],
  [500, {}, DOWN],
  [502, {}, DOWN],
  [503, { "retry-after": "120" }, { ...DOWN, afterMs: 120_000 }],
  [401, {}, DOWN],
  [403, {}, DOWN],
  [301, { location: "http://127.0.0.1:1/" }, REFUSED],
  [302, { location: "http://127.0.0.1:1/" }, REFUSED],
  [307, { location: "http://127.0.0.1:1/" }, REFUSED],
  [308, { location: "http://127.0.0.1:1/" }, REFUSED],
  [300, {}, DOWN],
];

test("every documented answer has its outcome", async (t) => {
  const { service, provider, target, secrets } = await start(t);
  for (const [status, headers, expected] of ANSWERS) {
    if (status < 300) continue; // Below, since they change what 403 means.
    service.faults.next({ is: "answer", status, headers, body: secrets.join(" ") });
    isOutcome(await provider.send(target, NOTIFICATION, never), expected, new RegExp(`${status}$`), secrets);
  }
  for (const [status] of ANSWERS.filter(([status]) => status < 300)) {
    service.faults.next({ is: "answer", status });
    assert.deepEqual(await provider.send(target, NOTIFICATION, never), SENT);
  }
});

test("a subscription of another key is a dead letter, once the service has taken our key", async (t) => {
  const { service, provider, target, secrets } = await start(t);
  const foreign = service.subscribe(webPush.generateVAPIDKeys().publicKey);
  const all = [...secrets, foreign.endpoint];
  isOutcome(await provider.send(foreign, NOTIFICATION, never), DOWN, /credentials are refused: 403/, all);
  assert.deepEqual(await provider.send(target, NOTIFICATION, never), SENT);
  isOutcome(await provider.send(foreign, NOTIFICATION, never), REFUSED, /belongs to another key: 403/, all);
});

test("subscriptions that ended are gone", async (t) => {
  const { service, provider, target, secrets } = await start(t);
  service.unsubscribe(target.endpoint);
  isOutcome(await provider.send(target, NOTIFICATION, never), GONE, /410/, secrets);
  const unknown = { ...target, endpoint: `${service.url}/push/other` };
  isOutcome(await provider.send(unknown, NOTIFICATION, never), GONE, /404/, secrets);
});

test("targets that cannot be used are gone, and those of others refused", async (t) => {
  const { service, provider, target, secrets } = await start(t);
  const [p256dh, auth] = [Buffer.alloc(65, 4).toString("base64url"), "c2hvcnQ"];
  for (const wrong of [
    { p256dh },
    { p256dh: "AA" },
    { auth },
    { endpoint: "no URL" },
    { endpoint: "ftp://x/" },
  ])
    isOutcome(await provider.send({ ...target, ...wrong }, NOTIFICATION, never), GONE, undefined, secrets);
  const named = { ...target, endpoint: service.url.replace("//", "//user:password@") };
  isOutcome(await provider.send(named, NOTIFICATION, never), GONE, /not a URL/, [...secrets, "password"]);
  isOutcome(
    await provider.send({ kind: "fcm", token: "x" }, NOTIFICATION, never),
    REFUSED,
    /not one of/,
    secrets,
  );
  assert.equal(service.received.length, 0);
});

test("a service that is slow, silent, resets, answers brokenly, or is not there is down", async (t) => {
  const { service, provider, target, secrets } = await start(t, { attemptMs: 300 });
  service.faults.next({ is: "slow", ms: 50 }, { is: "reset" }, { is: "garbled" }, { is: "cut" });
  service.faults.next({ is: "silent" }, { is: "slow", ms: 2_000 });
  assert.deepEqual(await provider.send(target, NOTIFICATION, never), SENT);
  for (const reason of [/reached: \w+$/, /not HTTP$/, /reached: \w+$/, /in time$/, /in time$/])
    isOutcome(await provider.send(target, NOTIFICATION, never), DOWN, reason, secrets);
  await service.stop();
  isOutcome(await provider.send(target, NOTIFICATION, never), DOWN, /reached: \w+$/, secrets);
});

test("an attempt that is stopped says nothing about the service", async (t) => {
  const { service, provider, target, secrets } = await start(t);
  service.faults.always({ is: "silent" });
  const stopping = new AbortController();
  const sending = provider.send(target, NOTIFICATION, stopping.signal);
  stopping.abort();
  isOutcome(await sending, LATER, /stopped/, secrets);
  isOutcome(await provider.send(target, NOTIFICATION, stopping.signal), LATER, /stopped/, secrets);
});

test("an answer without an end is not read to its end", async (t) => {
  const { service, provider, target } = await start(t);
  service.faults.next({ is: "answer", status: 410, body: "x".repeat(8_000_000) });
  isOutcome(await provider.send(target, NOTIFICATION, never), GONE, /410/, ["xxx"]);
  assert.deepEqual(await provider.send(target, NOTIFICATION, never), SENT);
});

test("private addresses are refused, and end no registration", async (t) => {
  const { service, provider, target, secrets } = await start(t, { isStrict: true });
  const { port } = new URL(target.endpoint);
  const wrong = [
    `http://127.0.0.1:${port}/`,
    "https://10.0.0.1/",
    "https://[::1]/",
    "https://169.254.169.254/x",
  ];
  for (const endpoint of [...wrong, "http://8.8.8.8/", "https://8.8.8.8:8443/", "https://2130706433/"])
    isOutcome(await provider.send({ ...target, endpoint }, NOTIFICATION, never), REFUSED, /address/, secrets);
  assert.equal(service.received.length, 0);
});

test("each push service has a circuit of its own", async (t) => {
  const { provider, target, service } = await start(t);
  assert.equal(provider.circuitOf?.(target), service.url);
  assert.equal(
    provider.circuitOf?.({ ...target, endpoint: "https://push.example/a?b" }),
    "https://push.example",
  );
});
