import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { generate } from "selfsigned";
import { systemClock } from "@jichat/protocol/clock.ts";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { APNS_STATUS } from "@jichat/testkit/push/apns-checks.ts";
import type { ApnsOptions as ServiceOptions } from "@jichat/testkit/push/apns-service.ts";
import { ApnsService } from "@jichat/testkit/push/apns-service.ts";
import { until } from "@jichat/testkit/until.ts";
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
import { readApns } from "../credential-forms.ts";
import { APNS_REASONS } from "./apns-answers.ts";
import type { ApnsOptions } from "./apns.ts";
import { openApns } from "./apns.ts";

interface Options extends Partial<Pick<ApnsOptions, "attemptMs" | "clock" | "trust">> {
  readonly service?: ServiceOptions;
  readonly file?: (service: ApnsService) => string;
}

async function start(t: TestContext, { service: options = {}, file, ...rest }: Options = {}) {
  const service = await ApnsService.start(options);
  const credentials = readApns(file === undefined ? service.credentialsFile() : file(service));
  const provider = openApns({ ...credentials, clock: systemClock, attemptMs: 2_000, ...rest });
  t.after(async () => {
    provider.close();
    await service.stop();
  });
  const token = service.register();
  return {
    service,
    provider,
    target: { kind: "apns", token } as const,
    secrets: [token, "PRIVATE KEY", "bearer"],
  };
}

interface Alert {
  readonly alert: { readonly body: string };
}

const headersOf = (headers: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith("apns-")));

test("a notification is an alert that the next one of its conversation replaces", async (t) => {
  const { service, provider, target } = await start(t);
  const soon = Math.floor(Date.now() / 1_000) + 3_600;
  assert.deepEqual(await provider.send(target, NOTIFICATION, never), SENT);
  const [push] = service.received;
  const { "apns-expiration": expiration, "apns-id": id, ...headers } = headersOf(push?.headers ?? {});
  assert.ok(Math.abs(Number(expiration) - soon) < 60);
  assert.match(String(id), /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const { conversation, collapseKey: tag } = NOTIFICATION;
  assert.deepEqual(headers, {
    "apns-topic": "chat.ji.test",
    "apns-push-type": "alert",
    "apns-priority": "10",
    "apns-collapse-id": tag,
  });
  assert.deepEqual(push?.payload, {
    aps: {
      alert: { title: "Title of the test", body: "Text of the test" },
      badge: 7,
      sound: "default",
      "thread-id": conversation,
      "mutable-content": 1,
    },
    v: 1,
    is: "notification",
    conversation,
    seq: 42,
    tag,
    count: 3,
  });
  const { badge: _, ...plain } = NOTIFICATION;
  await provider.send(target, { ...plain, isUrgent: false, hasSound: false }, never);
  const quiet = service.received[1];
  assert.equal(quiet?.headers["apns-priority"], "5");
  assert.equal(quiet?.headers["apns-id"], id, "every attempt at a push has the same id");
  const aps = quiet?.payload["aps"] as object;
  assert.deepEqual(Object.keys(aps).sort(), ["alert", "mutable-content", "thread-id"]);
});

test("a withdrawal is a background push, with nothing else in aps", async (t) => {
  const { service, provider, target } = await start(t);
  assert.deepEqual(await provider.send(target, WITHDRAWAL, never), SENT);
  const [push] = service.received;
  const headers = headersOf(push?.headers ?? {});
  assert.deepEqual([headers["apns-push-type"], headers["apns-priority"]], ["background", "5"]);
  const { conversation, seq, badge, collapseKey: tag } = WITHDRAWAL;
  const aps = { "content-available": 1 };
  assert.deepEqual(push?.payload, { aps, v: 1, is: "withdrawal", conversation, seq, tag, badge });
});

test("a text that is too long is shortened, between characters", async (t) => {
  const { service, provider, target } = await start(t);
  for (const character of ["a", "中", "👨‍👩‍👧‍👦", '"']) {
    const push = { ...NOTIFICATION, text: character.repeat(6_000) };
    assert.deepEqual(await provider.send(target, push, never), SENT);
    const { aps } = (service.received.at(-1)?.payload ?? {}) as { readonly aps?: Alert };
    const body = aps?.alert.body ?? "";
    assert.ok(body.length > 1_000 && body.endsWith("…"));
    assert.equal(body.slice(0, -1).replaceAll(character, ""), "");
  }
});

const MEANINGS: Readonly<Record<string, Expected>> = {
  gone: GONE,
  refused: REFUSED,
  later: LATER,
  provider: DOWN,
  credentials: DOWN,
};

test("every reason that Apple documents has its outcome", async (t) => {
  const { service, provider, target, secrets } = await start(t);
  assert.deepEqual(Object.keys(APNS_REASONS).sort(), Object.keys(APNS_STATUS).sort());
  const gone = Object.entries(APNS_REASONS).filter(([, meaning]) => meaning === "gone");
  assert.deepEqual(
    gone.map(([reason]) => reason),
    ["BadDeviceToken", "DeviceTokenNotForTopic", "ExpiredToken", "Unregistered"],
  );
  for (const [reason, meaning] of Object.entries(APNS_REASONS)) {
    service.faults.next({ is: "reason", reason: reason as keyof typeof APNS_REASONS });
    const outcome = await provider.send(target, NOTIFICATION, never);
    isOutcome(outcome, MEANINGS[meaning] ?? SENT, new RegExp(`: ${reason}$`), secrets);
  }
});

test("answers without a reason of Apple's are taken by their status, and not repeated", async (t) => {
  const { service, provider, target, secrets } = await start(t);
  const rows: readonly (readonly [status: number, headers: Record<string, string>, outcome: Expected])[] = [
    [400, {}, REFUSED],
    [403, {}, DOWN],
    [410, {}, GONE],
    [413, {}, REFUSED],
    [429, { "retry-after": "3" }, { ...LATER, afterMs: 3_000 }],
    [500, {}, DOWN],
    [503, { "retry-after": "Fri, 02 Jan 2026 03:04:05 GMT" }, { ...DOWN, afterMs: 0 }],
  ];
  for (const [status, headers, expected] of rows)
    for (const body of ["", "[", { reason: target.token }, { reason: 5 }, { reason: "toString" }]) {
      service.faults.next({ is: "answer", status, headers, body });
      const outcome = await provider.send(target, NOTIFICATION, never);
      isOutcome(outcome, expected, new RegExp(`: ${status}$`), secrets);
    }
  service.faults.next({ is: "answer", status: 503, headers: {}, body: "x".repeat(1_000_000) });
  isOutcome(await provider.send(target, NOTIFICATION, never), DOWN, /: 503$/, ["xxx"]);
  assert.deepEqual(await provider.send(target, NOTIFICATION, never), SENT);
});

test("tokens that are gone, another app's, unknown, or none at all are gone", async (t) => {
  const { service, provider, target, secrets } = await start(t);
  service.unregister(target.token);
  const told = [
    [target.token, /: Unregistered/],
    [service.registerOther(), /: DeviceTokenNotForTopic/],
    ["ab".repeat(32), /: BadDeviceToken/],
    ["../../x", /not one of APNs/],
    ["", /not one of APNs/],
  ] as const;
  for (const [token, reason] of told)
    isOutcome(await provider.send({ kind: "apns", token }, NOTIFICATION, never), GONE, reason, secrets);
  isOutcome(
    await provider.send({ kind: "fcm", token: "x" }, NOTIFICATION, never),
    REFUSED,
    /not one of/,
    secrets,
  );
});

test("a key that is not ours is down, and ends no registration", async (t) => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { provider, target, secrets } = await start(t, {
    file: (service) => service.credentialsFile(privateKey),
  });
  isOutcome(
    await provider.send(target, NOTIFICATION, never),
    DOWN,
    /credentials.*InvalidProviderToken/,
    secrets,
  );
});

test("the JWT is renewed when it is 40 minutes old, or when APNs calls it expired after 20", async (t) => {
  const clock = new HandClock();
  clock.aheadMs = Date.now() - 3_570_000;
  const { service, provider, target, secrets } = await start(t, { clock });
  const tokens = async (): Promise<unknown> => {
    await provider.send(target, NOTIFICATION, never);
    return service.received.at(-1)?.headers.authorization;
  };
  const first = await tokens();
  await clock.pass(39 * 60_000);
  assert.equal(await tokens(), first);
  await clock.pass(60_000);
  const second = await tokens();
  assert.notEqual(second, first);
  const expired = { is: "reason", reason: "ExpiredProviderToken" } as const;
  await clock.pass(19 * 60_000);
  service.faults.next(expired);
  isOutcome(await provider.send(target, NOTIFICATION, never), DOWN, /ExpiredProviderToken/, secrets);
  assert.equal(await tokens(), second, "Apple refuses updates that are more frequent");
  await clock.pass(60_000);
  service.faults.next(expired);
  isOutcome(await provider.send(target, NOTIFICATION, never), DOWN, /ExpiredProviderToken/, secrets);
  assert.notEqual(await tokens(), second);
});

test("a JWT that is older than an hour is refused", async (t) => {
  const clock = new HandClock();
  clock.aheadMs = Date.now() - 3_700_000;
  const { provider, target, secrets } = await start(t, { clock });
  isOutcome(await provider.send(target, NOTIFICATION, never), DOWN, /ExpiredProviderToken/, secrets);
});

test("pushes share one connection, with no more streams than the server allows", async (t) => {
  const { service, provider, target } = await start(t, { service: { streamsMax: 5 } });
  assert.deepEqual(await provider.send(target, NOTIFICATION, never), SENT);
  service.faults.always({ is: "slow", ms: 10 });
  const outcomes = await Promise.all(
    Array.from({ length: 60 }, async () => provider.send(target, NOTIFICATION, never)),
  );
  assert.ok(outcomes.every(({ is }) => is === "sent"));
  assert.deepEqual([service.connections, service.streamsAtOnce, service.received.length], [1, 5, 61]);
});

test("a first burst waits until the server has said how many streams it takes", async (t) => {
  for (const streamsMax of [1, 3]) {
    const { service, provider, target } = await start(t, { service: { streamsMax } });
    const burst = Array.from({ length: 150 }, async () => provider.send(target, NOTIFICATION, never));
    assert.deepEqual(new Set((await Promise.all(burst)).map(({ is }) => is)), new Set(["sent"]));
    assert.deepEqual([service.connections, service.streamsAtOnce], [1, streamsMax]);
  }
});

test("a stream that the server refuses says nothing about whether it is down", async (t) => {
  const { service, provider, target, secrets } = await start(t);
  service.faults.next({ is: "refuse" });
  isOutcome(await provider.send(target, NOTIFICATION, never), LATER, /refused the stream/, secrets);
  assert.deepEqual(await provider.send(target, NOTIFICATION, never), SENT);
});

test("what waits for a stream is bounded", async (t) => {
  const { service, provider, target, secrets } = await start(t, {
    service: { streamsMax: 1 },
    attemptMs: 600,
  });
  assert.deepEqual(await provider.send(target, NOTIFICATION, never), SENT);
  service.faults.always({ is: "silent" });
  const sending = Array.from({ length: 1_001 }, async () => provider.send(target, NOTIFICATION, never));
  await until("all wait", 2_000, () => service.streamsAtOnce >= 1);
  await new Promise((resolve) => setTimeout(resolve, 100));
  isOutcome(await provider.send(target, NOTIFICATION, never), LATER, /too many/, secrets);
  assert.ok((await Promise.all(sending)).every(({ is }) => is === "retry"));
});

test("after a GOAWAY the next push has a new connection, and none is lost", async (t) => {
  const { service, provider, target } = await start(t);
  service.faults.next({ is: "goaway" });
  assert.deepEqual(await provider.send(target, NOTIFICATION, never), SENT);
  await until("a second connection", 2_000, async () => {
    assert.deepEqual(await provider.send(target, NOTIFICATION, never), SENT);
    return service.connections === 2;
  });
});

test("a connection that ends, resets a stream, or gives no answer is replaced", async (t) => {
  const { service, provider, target, secrets } = await start(t, { attemptMs: 300 });
  for (const [fault, reason] of [
    [{ is: "drop" }, /reached|ended/],
    [{ is: "reset" }, /reached/],
    [{ is: "silent" }, /in time/],
    [{ is: "slow", ms: 900 }, /in time/],
  ] as const) {
    assert.deepEqual(await provider.send(target, NOTIFICATION, never), SENT);
    const before = service.connections;
    service.faults.next(fault);
    isOutcome(await provider.send(target, NOTIFICATION, never), DOWN, reason, secrets);
    assert.deepEqual(await provider.send(target, NOTIFICATION, never), SENT);
    // The reset of one stream leaves the others their connection.
    assert.equal(service.connections, fault.is === "reset" ? before : before + 1, fault.is);
  }
});

test("APNs that is not there is down, and is used again once it is", async (t) => {
  const { service, provider, target, secrets } = await start(t);
  assert.deepEqual(await provider.send(target, NOTIFICATION, never), SENT);
  const port = Number(new URL(service.url).port);
  await service.stop();
  // The end of the connection may not have come yet.
  assert.equal((await provider.send(target, NOTIFICATION, never)).is, "retry");
  for (let i = 0; i < 3; i += 1)
    isOutcome(await provider.send(target, NOTIFICATION, never), DOWN, /reached: \w+$/, secrets);
  const again = await ApnsService.start({ port });
  t.after(async () => again.stop());
  isOutcome(await provider.send(target, NOTIFICATION, never), DOWN, /InvalidProviderToken/, secrets);
});

test("an attempt that is stopped says nothing about APNs", async (t) => {
  const { service, provider, target, secrets } = await start(t);
  service.faults.always({ is: "silent" });
  const stopping = new AbortController();
  const sending = provider.send(target, NOTIFICATION, stopping.signal);
  setTimeout(() => {
    stopping.abort();
  }, 50);
  isOutcome(await sending, LATER, /stopped/, secrets);
});

test("over TLS it wants a certificate that it trusts", async (t) => {
  const { cert, private: key } = await generate([{ name: "commonName", value: "127.0.0.1" }], {
    extensions: [{ name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] }],
  });
  const trusting = await start(t, { service: { tls: { cert, key } }, trust: { ca: cert } });
  assert.deepEqual(await trusting.provider.send(trusting.target, NOTIFICATION, never), SENT);
  const strict = await start(t, { service: { tls: { cert, key } } });
  isOutcome(
    await strict.provider.send(strict.target, NOTIFICATION, never),
    DOWN,
    /SELF_SIGNED/,
    strict.secrets,
  );
});
