import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { pino } from "pino";
import webPush from "web-push";
import type { PushTarget } from "@jichat/protocol/bus/push-registration.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { rereadFiles } from "@jichat/runtime/reread.ts";
import { ApnsService } from "@jichat/testkit/push/apns-service.ts";
import { FcmService } from "@jichat/testkit/push/fcm-service.ts";
import { WebPushService } from "@jichat/testkit/push/web-push-service.ts";
import { WebhookReceiver, newSecret } from "@jichat/testkit/push/webhook-receiver.ts";
import { until } from "@jichat/testkit/until.ts";
import { NOTIFICATION, SENT, never } from "../test/pushes.ts";
import { PushProviders, credentialFaults } from "./credentials.ts";
import { readRanges } from "./providers/public-address.ts";

const vapidFile = (): string =>
  JSON.stringify({ subject: "mailto:a@chat.example", ...webPush.generateVAPIDKeys() });

function folderWith(t: TestContext, files: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), "jichat-credentials-"));
  const put = (name: string, text: string): void => {
    writeFileSync(join(folder, name), text);
  };
  for (const [name, text] of Object.entries(files)) put(name, text);
  const lines: string[] = [];
  let changes = 0;
  const providers = new PushProviders({
    folder,
    allowed: readRanges(["127.0.0.0/8"]),
    clock: systemClock,
    onChange: () => (changes += 1),
  });
  const stopping = new AbortController();
  const telemetry = {
    log: pino({ level: "debug" }, { write: (line: string) => lines.push(line) }),
    counter: () => ({ add: () => undefined, count: () => ({ attributes: {}, value: 0 }) }),
    gauge: () => undefined,
  };
  const done = rereadFiles(providers.rereads, { telemetry, signal: stopping.signal, everyMs: 5 });
  t.after(async () => {
    stopping.abort();
    await done;
    providers.close();
    rmSync(folder, { recursive: true });
  });
  return {
    providers,
    put,
    lines,
    remove: (name: string) => rmSync(join(folder, name)),
    changes: () => changes,
  };
}

test("each provider that has its file is on, and sends", async (t) => {
  const services = [
    await WebPushService.start(),
    await FcmService.start(),
    await ApnsService.start(),
    await WebhookReceiver.start(),
  ] as const;
  t.after(async () => Promise.all(services.map(async (service) => service.stop())));
  const [web, fcm, apns, webhook] = services;
  const vapid = vapidFile();
  const { providers } = folderWith(t, {
    "vapid.json": vapid,
    "fcm.json": fcm.accountFile(),
    "apns.json": apns.credentialsFile(),
    "webhook.json": webhook.file,
  });
  const { publicKey } = JSON.parse(vapid) as { readonly publicKey: string };
  assert.deepEqual(providers.offer, {
    kinds: ["webpush", "fcm", "apns", "webhook"],
    vapidPublicKey: publicKey,
  });
  const targets = [
    web.subscribe(publicKey),
    { kind: "fcm", token: fcm.register() },
    { kind: "apns", token: apns.register() },
    { kind: "webhook", token: "token" },
  ] as const;
  for (const target of targets)
    assert.deepEqual(await providers.get(target.kind)?.send(target, NOTIFICATION, never), SENT, target.kind);
  assert.deepEqual(
    services.map(({ received }) => received.length),
    [1, 1, 1, 1],
  );
});

test("a missing file is a provider that is off, which comes and goes with its file", async (t) => {
  const { providers, put, remove, changes } = folderWith(t, {});
  assert.deepEqual([providers.offer, providers.faults], [{ kinds: [] }, []]);
  assert.equal(providers.get("webpush"), undefined);
  put("vapid.json", vapidFile());
  await until("it is on", 5_000, () => providers.get("webpush") !== undefined, 5);
  assert.ok(providers.offer.vapidPublicKey !== undefined && changes() > 0);
  remove("vapid.json");
  await until("it is off", 5_000, () => providers.get("webpush") === undefined, 5);
  assert.deepEqual(providers.offer, { kinds: [] });
});

test("a broken file is told by name without its content, and the last good one stays", async (t) => {
  const good = vapidFile();
  const { providers, put, lines } = folderWith(t, {
    "vapid.json": good,
    "apns.json": '{"keyId": "secret-of-the-test',
  });
  assert.deepEqual(providers.faults, ["apns.json: it is not JSON"]);
  assert.deepEqual(providers.offer.kinds, ["webpush"]);
  put("vapid.json", JSON.stringify({ ...(JSON.parse(good) as object), subject: "secret-of-the-test" }));
  await until("both are told", 5_000, () => lines.length >= 2, 5);
  assert.ok(lines.some((line) => line.includes("vapid.json: `subject` is not a mailto: or https: URL")));
  assert.ok(lines.some((line) => line.includes("apns.json: it is not JSON")));
  assert.doesNotMatch(lines.join(""), /secret-of-the-test/);
  assert.equal(providers.offer.vapidPublicKey, (JSON.parse(good) as { publicKey: string }).publicKey);
  const next = vapidFile();
  put("vapid.json", next);
  const { publicKey } = JSON.parse(next) as { readonly publicKey: string };
  await until("the next one is in use", 5_000, () => providers.offer.vapidPublicKey === publicKey, 5);
});

test("faults are those of now: a file that is mended or put back has none", async (t) => {
  const good = vapidFile();
  const { providers, put } = folderWith(t, { "vapid.json": good });
  for (const mended of [good, vapidFile()]) {
    put("vapid.json", "{");
    await until("it is a fault", 5_000, () => providers.faults[0] === "vapid.json: it is not JSON", 5);
    assert.deepEqual(credentialFaults(providers.faults), [
      { fault: "PushCredentialsRefused", partitions: [], why: "vapid.json: it is not JSON" },
    ]);
    put("vapid.json", mended);
    await until("it is none any more", 5_000, () => providers.faults.length === 0, 5);
  }
  assert.deepEqual(credentialFaults(providers.faults), []);
});

test("credentials that a provider refuses are a fault until it takes a push, and what strangers refuse is none", async (t) => {
  const receiver = await WebhookReceiver.start();
  const web = await WebPushService.start();
  t.after(async () => Promise.all([receiver.stop(), web.stop()]));
  const vapid = vapidFile();
  const { providers } = folderWith(t, { "webhook.json": receiver.file, "vapid.json": vapid });
  const send = async (target: PushTarget) => providers.get(target.kind)?.send(target, NOTIFICATION, never);
  const hook = { kind: "webhook", token: "token" } as const;
  receiver.faults.next({ is: "answer", status: 401 });
  assert.partialDeepStrictEqual(await send(hook), { is: "retry", isDown: true });
  assert.deepEqual(providers.faults, ["webhook.json: the credentials are refused: 401"]);
  assert.deepEqual(await send(hook), SENT);
  assert.deepEqual(providers.faults, []);
  const { publicKey } = JSON.parse(vapid) as { readonly publicKey: string };
  web.faults.next({ is: "answer", status: 403 });
  assert.partialDeepStrictEqual(await send(web.subscribe(publicKey)), { is: "retry", isDown: true });
  assert.deepEqual(providers.faults, [], "anybody can register an endpoint that refuses all");
});

test("new credentials take over while pushes with the old ones are in flight", async (t) => {
  const [before, present] = [newSecret(), newSecret()];
  const receiver = await WebhookReceiver.start({ secrets: [before, present] });
  t.after(async () => receiver.stop());
  const file = (secret: string): string => JSON.stringify({ url: receiver.url, secrets: [secret] });
  const { providers, put, changes } = folderWith(t, { "webhook.json": file(before) });
  receiver.faults.next({ is: "slow", ms: 300 });
  const target = { kind: "webhook", token: "token" } as const;
  const slow = providers.get("webhook")?.send(target, NOTIFICATION, never);
  put("webhook.json", file(present));
  await until("it is in use", 5_000, () => changes() > 0, 5);
  const push = { ...NOTIFICATION, id: "next" };
  assert.deepEqual(await providers.get("webhook")?.send(target, push, never), SENT);
  assert.deepEqual(await slow, SENT);
  assert.deepEqual(
    receiver.received.map(({ id }) => id),
    ["next", NOTIFICATION.id],
  );
});
