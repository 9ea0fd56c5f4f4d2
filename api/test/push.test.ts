import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { PUSH_OFFER_KEY, pushOfferText } from "@jichat/protocol/bus/push-offer.ts";
import { PushDevices } from "@jichat/identity/push-devices.ts";
import type { RedisConnection } from "@jichat/presence/redis.ts";
import { connectRedis } from "@jichat/presence/redis.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";
import { until } from "@jichat/testkit/until.ts";
import pino from "pino";
import { WISHES } from "../src/routes/push-examples.ts";
import type { Reply } from "./rest-client.ts";
import { PASSWORD, RestClient } from "./rest-client.ts";

const CLUSTER = "pushes";
const [WEB, FCM] = WISHES;
const OFFER = {
  kinds: ["webpush", "fcm"],
  vapidPublicKey: "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxH",
} as const;
let stack: Stack;
let destroy: () => Promise<void>;
let rest: RestClient;
let nats: NatsConnection;
let redis: RedisConnection;
let devices: PushDevices;

before(async () => {
  const env = { api: { SIGN_INS_PER_SECOND: "1000" } };
  ({ stack, destroy } = await startThrowaway({ cluster: CLUSTER, env }));
  rest = new RestClient(stack);
  nats = await connect({ servers: stack.natsUrl });
  devices = await PushDevices.open(nats, namesOf(CLUSTER));
  redis = connectRedis(stack.redisUrl, { log: pino({ level: "silent" }) });
});
after(async () => {
  redis?.disconnect();
  await nats?.close();
  await destroy?.();
});

const pathOf = (device: string): string => `/v1/me/devices/${device}/push`;
const put = async (token: string, device: string, fcmToken: string): Promise<Reply> =>
  rest.call("PUT", pathOf(device), token, { ...FCM, token: fcmToken });
async function register(token: string, device: string, fcmToken: string): Promise<void> {
  const { status, json } = await put(token, device, fcmToken);
  assert.equal(status, 200, JSON.stringify(json));
}
const codeOf = ({ status, json }: Reply): readonly unknown[] => [status, json["code"]];
const registered = async (user: string): Promise<readonly string[]> =>
  (await devices.of(user)).map(({ device }) => device).sort();

/** Who counts for push in the present data of Redis; nothing while that is not known. */
async function counted(): Promise<readonly string[]> {
  const runs = await redis.keys(`${CLUSTER}:*:name`);
  const data = runs[0] === undefined ? null : await redis.get(runs[0]);
  return redis.smembers(`${namesOf(CLUSTER).redis(data ?? "none")}p`);
}

test(
  "a kind is offered once a worker can send by it, and refused by name before that",
  { timeout: 180_000 },
  async () => {
    const ann = await rest.signUp("ann");
    assert.deepEqual((await rest.call("GET", "/v1/push", ann)).json["kinds"], []);
    const early = await rest.call("PUT", pathOf("phone"), ann, WEB);
    assert.deepEqual(codeOf(early), [403, "FORBIDDEN"]);
    assert.match(String(early.json["message"]), /`kind` is webpush, and this cluster offers no push at all/);
    assert.deepEqual(codeOf(await rest.call("GET", pathOf("phone"), ann)), [404, "NOT_FOUND"]);

    const kv = await new Kvm(nats).open(namesOf(CLUSTER).settings);
    await kv.put(PUSH_OFFER_KEY, pushOfferText(OFFER));
    const { traceId: _, ...offer } = (await rest.call("GET", "/v1/push", ann)).json;
    assert.deepEqual(offer, OFFER);
    const apple = await rest.call("PUT", pathOf("phone"), ann, {
      ...FCM,
      kind: "apns",
      token: "ab".repeat(32),
    });
    assert.deepEqual(codeOf(apple), [403, "FORBIDDEN"]);
    assert.match(String(apple.json["message"]), /offers push by webpush, fcm alone/);

    assert.equal((await rest.call("PUT", pathOf("phone"), ann, WEB)).status, 200);
    const shown = await rest.call("GET", pathOf("phone"), ann);
    const { registeredAt, traceId, ...rest_ } = shown.json;
    assert.deepEqual(rest_, {
      device: "phone",
      kind: "webpush",
      locale: "en-GB",
      preview: "sender",
      quiet: WEB.quiet,
    });
    assert.ok(Math.abs(Date.now() - Number(registeredAt)) < 60_000 && typeof traceId === "string");
    const text = JSON.stringify(shown.json);
    for (const secret of [
      WEB.subscription.endpoint,
      WEB.subscription.keys.auth,
      WEB.subscription.keys.p256dh,
    ])
      assert.ok(!text.includes(secret));
    await until("ann counts", 10_000, async () => (await counted()).includes("ann"));

    const wrong = await rest.call("PUT", pathOf("phone"), ann, { ...FCM, locale: "no language" });
    assert.deepEqual(codeOf(wrong), [400, "INVALID"]);
    assert.equal((await rest.call("DELETE", pathOf("phone"), ann)).status, 200);
    assert.equal((await rest.call("DELETE", pathOf("phone"), ann)).status, 200, "safe to repeat");
    assert.deepEqual(await registered("ann"), []);
  },
);

test("a token is replaced, and moves with its device to the next account", { timeout: 180_000 }, async () => {
  const [bob, cid] = [await rest.signUp("bob"), await rest.signUp("cid")];
  await register(bob, "phone", "first");
  await register(bob, "phone", "second");
  const [one, ...more] = await devices.of("bob");
  assert.deepEqual([one?.target, more], [{ kind: "fcm", token: "second" }, []]);
  await register(cid, "my-phone", "second");
  assert.deepEqual([await registered("bob"), await registered("cid")], [[], ["my-phone"]]);
});

test(
  "a registration ends with a sign-out of the token that its device has now",
  { timeout: 180_000 },
  async () => {
    const [first, second] = [await rest.signUp("dan"), await rest.signIn("dan")];
    await register(first, "laptop", "dan-1");
    await register(second, "phone", "dan-2");
    assert.equal((await rest.call("DELETE", "/v1/sessions", first)).status, 200);
    assert.deepEqual(await registered("dan"), ["phone"]);
    // The device has connected with a newer token since.
    const newer = await rest.signIn("dan");
    const phone = await rest.greet({ token: newer, device: "phone" });
    assert.equal((await rest.call("DELETE", "/v1/sessions", second)).status, 200);
    assert.deepEqual(await registered("dan"), ["phone"]);
    assert.equal((await rest.call("DELETE", "/v1/sessions", newer)).status, 200);
    assert.deepEqual(await registered("dan"), []);
    assert.equal(await phone.closed, 4401);
  },
);

test(
  "a registration ends with its session, also with one that is not listed",
  { timeout: 180_000 },
  async () => {
    const token = await rest.signUp("eve");
    for (const device of ["laptop", "phone", "tablet"]) await register(token, device, `eve-${device}`);
    const phone = await rest.greet({ token, device: "phone" });
    assert.equal((await rest.call("DELETE", "/v1/me/sessions/phone", token)).status, 200);
    assert.equal(await phone.closed, 4401);
    assert.deepEqual(await registered("eve"), ["laptop", "tablet"]);
    // The token is good for other devices, and not for the one that was ended.
    assert.deepEqual(codeOf(await put(token, "phone", "eve-again")), [401, "UNAUTHENTICATED"]);
    assert.equal((await rest.call("DELETE", "/v1/me/sessions/tablet", token)).status, 200);
    assert.deepEqual(codeOf(await rest.call("DELETE", "/v1/me/sessions/tablet", token)), [404, "NOT_FOUND"]);
    assert.deepEqual(await registered("eve"), ["laptop"]);
    const other = await rest.signIn("eve");
    await register(other, "phone", "eve-phone");
    assert.equal((await rest.call("DELETE", "/v1/me/sessions?keep=current", token)).status, 200);
    assert.deepEqual(await registered("eve"), ["laptop"]);
    assert.equal((await rest.call("DELETE", "/v1/me/sessions", token)).status, 200);
    assert.deepEqual(await registered("eve"), []);
  },
);

test(
  "a new password leaves pushes to the device that set it, which the new token ends",
  { timeout: 180_000 },
  async () => {
    const [mine, other] = [await rest.signUp("fay"), await rest.signIn("fay")];
    await register(mine, "laptop", "fay-1");
    await register(other, "phone", "fay-2");
    const wrong = { old: "not the one", new: "battery staple" };
    assert.equal((await rest.call("PUT", "/v1/me/password", mine, wrong)).status, 403);
    assert.deepEqual(await registered("fay"), ["laptop", "phone"]);
    const right = { old: PASSWORD, new: "battery staple" };
    const changed = await rest.call("PUT", "/v1/me/password", mine, right);
    assert.equal(changed.status, 200);
    assert.deepEqual(await registered("fay"), ["laptop"]);
    assert.equal((await rest.call("DELETE", "/v1/sessions", String(changed.json["token"]))).status, 200);
    assert.deepEqual(await registered("fay"), []);
  },
);

test("a deleted account has no devices", { timeout: 180_000 }, async () => {
  const token = await rest.signUp("gus");
  await register(token, "laptop", "gus-1");
  await register(token, "phone", "gus-2");
  assert.equal((await rest.call("DELETE", "/v1/me", token, { password: PASSWORD })).status, 200);
  assert.deepEqual(await registered("gus"), []);
  assert.deepEqual(codeOf(await put(token, "phone", "gus-2")), [401, "UNAUTHENTICATED"]);
});

test("registrations of one user are limited", { timeout: 180_000 }, async () => {
  const token = await rest.signUp("hal");
  const replies: Reply[] = [];
  for (let i = 0; i < 25; i += 1) replies.push(await put(token, `d${i}`, `hal-${i}`));
  const limited = replies.filter(({ status }) => status === 429);
  assert.ok(limited.length >= 1 && limited.length <= 5, String(limited.length));
  assert.equal(
    replies.slice(0, 20).every(({ status }) => status === 200),
    true,
  );
  assert.equal(limited[0]?.json["code"], "RATE_LIMITED");
  assert.match(String(limited[0]?.json["message"]), /registrations for push/);
  assert.ok(Number(limited[0]?.json["retryAfterMs"]) > 0);
  assert.equal((await devices.of("hal")).length <= 20, true);
});

test(
  "after Redis has lost its data, those who are registered are counted again",
  { timeout: 180_000 },
  async () => {
    const token = await rest.signUp("ida");
    await register(token, "phone", "ida-1");
    await until("ida counts", 10_000, async () => (await counted()).includes("ida"));
    await redis.flushall();
    await until("ida counts again", 20_000, async () => (await counted()).includes("ida"));
    const all = await counted();
    for (const user of ["*", "cid", "hal", "ida"]) assert.ok(all.includes(user), user);
    assert.ok(!all.includes("gus"), "the deleted user is not in it");
  },
);
