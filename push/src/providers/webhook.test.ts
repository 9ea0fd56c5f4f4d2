import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { WebhookReceiver, newSecret } from "@jichat/testkit/push/webhook-receiver.ts";
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
import { readWebhook } from "../credential-forms.ts";
import { readRanges } from "./public-address.ts";
import { openWebhook } from "./webhook.ts";

interface Options {
  readonly attemptMs?: number;
  readonly signers?: readonly string[];
  readonly clock?: Pick<Clock, "now">;
  readonly allowed?: readonly string[];
}

const TARGET = { kind: "webhook", token: "token-of-the-test" } as const;

async function start(t: TestContext, options: Options = {}) {
  const receiver = await WebhookReceiver.start();
  const {
    attemptMs = 2_000,
    signers = receiver.secrets,
    clock = systemClock,
    allowed = ["127.0.0.1"],
  } = options;
  const credentials = readWebhook(JSON.stringify({ url: receiver.url, secrets: signers }));
  const guard = { allowed: readRanges(allowed) };
  const provider = openWebhook({ ...credentials, guard, clock, attemptMs });
  t.after(async () => {
    provider.close();
    await receiver.stop();
  });
  const secrets = [TARGET.token, ...signers, ...receiver.secrets, receiver.url];
  return { receiver, provider, secrets };
}

test("a notification comes signed, with all that a gateway needs", async (t) => {
  const { receiver, provider } = await start(t);
  const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  assert.deepEqual(await provider.send(TARGET, { ...NOTIFICATION, trace }, never), SENT);
  const [push] = receiver.received;
  assert.ok(Math.abs(Date.parse(push?.timestamp ?? "") - Date.now()) < 60_000);
  const { user, device, conversation, collapseKey: tag } = NOTIFICATION;
  const about = { v: 1, user, device, token: TARGET.token, conversation, seq: 42, badge: 7, tag };
  const shown = { title: "Title of the test", text: "Text of the test", count: 3 };
  assert.deepEqual(
    { ...push, timestamp: "" },
    {
      id: NOTIFICATION.id,
      type: "push.notification",
      timestamp: "",
      data: { ...about, ...shown, sound: true, urgent: true, ttl: 3_600 },
      traceparent: trace,
    },
  );
  assert.deepEqual(await provider.send(TARGET, { ...WITHDRAWAL, id: "second" }, never), SENT);
  const second = receiver.received[1];
  assert.deepEqual([second?.type, second?.data], ["push.withdrawal", about]);
});

test("during a rotation receivers of the old and of the new secret both know us", async (t) => {
  const [before, present] = [newSecret(), newSecret()];
  for (const known of [before, present]) {
    const receiver = await WebhookReceiver.start({ secrets: [known] });
    t.after(async () => receiver.stop());
    const text = JSON.stringify({ url: receiver.url, secrets: [present, before] });
    const guard = { allowed: readRanges(["127.0.0.1"]) };
    const provider = openWebhook({ ...readWebhook(text), guard, clock: systemClock });
    t.after(() => {
      provider.close();
    });
    assert.deepEqual(await provider.send(TARGET, NOTIFICATION, never), SENT);
  }
});

test("a secret that is not the receiver's is down, and ends no registration", async (t) => {
  const { receiver, provider, secrets } = await start(t, { signers: [newSecret()] });
  isOutcome(await provider.send(TARGET, NOTIFICATION, never), DOWN, /credentials are refused: 401/, secrets);
  assert.deepEqual([receiver.refused, receiver.received], [1, []]);
});

test("a timestamp out of its five minutes is refused as a replay", async (t) => {
  const clock = new HandClock();
  const { receiver, provider, secrets } = await start(t, { clock });
  for (const [aheadMs, expected] of [
    [-310_000, DOWN],
    [310_000, DOWN],
    [-290_000, SENT],
  ] as const) {
    clock.aheadMs = Date.now() + aheadMs;
    isOutcome(await provider.send(TARGET, NOTIFICATION, never), expected, undefined, secrets);
  }
  assert.equal(receiver.refused, 2);
});

test("a push that comes again has its id, by which the receiver knows it", async (t) => {
  const { receiver, provider } = await start(t);
  for (let i = 0; i < 3; i += 1) assert.deepEqual(await provider.send(TARGET, NOTIFICATION, never), SENT);
  const again = receiver.repeated.map(({ id }) => id);
  assert.deepEqual([receiver.received.length, again], [1, [NOTIFICATION.id, NOTIFICATION.id]]);
});

/** What a receiver may answer, and what it means. */
const ANSWERS: readonly (readonly [status: number, headers: Record<string, string>, outcome: Expected])[] = [
  [200, {}, SENT],
  [204, {}, SENT],
  [410, {}, GONE],
  [404, {}, DOWN],
  [401, {}, DOWN],
  [403, {}, DOWN],
  [400, {}, REFUSED],
  [413, {}, REFUSED],
  [422, {}, REFUSED],
  [408, {}, LATER],
  [429, { "retry-after": "5" }, { ...LATER, afterMs: 5_000 }],
  [500, {}, DOWN],
  [503, { "retry-after": "60" }, { ...DOWN, afterMs: 60_000 }],
  [302, { location: "http://127.0.0.1:1/" }, DOWN],
];

test("every documented answer has its outcome", async (t) => {
  const { receiver, provider, secrets } = await start(t);
  for (const [status, headers, expected] of ANSWERS) {
    receiver.faults.next({ is: "answer", status, headers, body: secrets.join(" ") });
    isOutcome(await provider.send(TARGET, NOTIFICATION, never), expected, undefined, secrets);
  }
  receiver.forget(TARGET.token);
  isOutcome(await provider.send(TARGET, NOTIFICATION, never), GONE, /410/, secrets);
});

test("a receiver that is silent, resets, or is not there is down", async (t) => {
  const { receiver, provider, secrets } = await start(t, { attemptMs: 300 });
  receiver.faults.next({ is: "silent" }, { is: "reset" }, { is: "slow", ms: 50 });
  isOutcome(await provider.send(TARGET, NOTIFICATION, never), DOWN, /in time/, secrets);
  isOutcome(await provider.send(TARGET, NOTIFICATION, never), DOWN, /reached: \w+$/, secrets);
  assert.deepEqual(await provider.send(TARGET, NOTIFICATION, never), SENT);
  await receiver.stop();
  isOutcome(await provider.send(TARGET, NOTIFICATION, never), DOWN, /ECONNREFUSED/, secrets);
});

test("a receiver whose answers are broken is down, and takes what it denied under the same id", async (t) => {
  const { receiver, provider, secrets } = await start(t);
  receiver.faults.next({ is: "garbled" }, { is: "cut" }, { is: "denied", status: 500 });
  for (const reason of [/not HTTP$/, /reached: \w+$/, /500/])
    isOutcome(await provider.send(TARGET, NOTIFICATION, never), DOWN, reason, secrets);
  assert.deepEqual(await provider.send(TARGET, NOTIFICATION, never), SENT);
  assert.deepEqual(
    [receiver.received, receiver.repeated].map((all) => all.map(({ id }) => id)),
    [[NOTIFICATION.id], [NOTIFICATION.id]],
  );
});

test("a URL inside one's own network has to be allowed; until then nothing is lost", async (t) => {
  const { receiver, provider, secrets } = await start(t, { allowed: ["10.0.0.0/8"] });
  isOutcome(await provider.send(TARGET, NOTIFICATION, never), DOWN, /only https .* allowed/, secrets);
  assert.equal(receiver.received.length, 0);
});
