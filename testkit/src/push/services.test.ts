import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { connect } from "node:http2";
import { test } from "node:test";
import { SignJWT } from "jose";
import { ApnsService } from "./apns-service.ts";
import { FcmService } from "./fcm-service.ts";
import { WebPushService } from "./web-push-service.ts";

const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const { x = "", y = "" } = publicKey.export({ format: "jwk" });
const POINT = Buffer.concat([Buffer.of(4), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
const nowS = (): number => Math.floor(Date.now() / 1_000);

type Headers = Readonly<Record<string, string>>;

test("the push service refuses what real ones refuse", async (t) => {
  const service = await WebPushService.start();
  t.after(async () => service.stop());
  const { endpoint } = service.subscribe(POINT.toString("base64url"));
  const vapid = async (claims: Readonly<Record<string, unknown>>): Promise<string> => {
    const all = { aud: service.url, exp: nowS() + 3_600, sub: "mailto:a@chat.example", ...claims };
    const token = await new SignJWT(all).setProtectedHeader({ alg: "ES256" }).sign(privateKey);
    return `vapid t=${token}, k=${POINT.toString("base64url")}`;
  };
  const good = { ttl: "60", "content-encoding": "aes128gcm", authorization: await vapid({}) };
  const { ttl: _, ...withoutTtl } = good;
  const rows: readonly (readonly [what: string, status: number, headers: Headers, bytes?: number])[] = [
    ["no VAPID", 401, { ttl: "60" }],
    ["another audience", 403, { ...good, authorization: await vapid({ aud: "https://push.example" }) }],
    ["an exp that is over", 403, { ...good, authorization: await vapid({ exp: nowS() - 60 }) }],
    ["an exp over a day away", 403, { ...good, authorization: await vapid({ exp: nowS() + 90_000 }) }],
    ["no contact", 403, { ...good, authorization: await vapid({ sub: "" }) }],
    ["no TTL", 400, withoutTtl],
    ["a long Topic", 400, { ...good, topic: "t".repeat(33) }],
    ["a Topic that is not base64url", 400, { ...good, topic: "a b" }],
    ["an unknown Urgency", 400, { ...good, urgency: "now" }],
    ["no encoding", 400, { ...good, "content-encoding": "aesgcm" }],
    ["4,097 bytes", 413, good, 4_097],
    ["4,096 bytes that nobody can read", 400, good, 4_096],
  ];
  for (const [what, status, headers, bytes = 200] of rows) {
    const answer = await fetch(endpoint, { method: "POST", headers, body: Buffer.alloc(bytes) });
    assert.equal(answer.status, status, `${what}: ${await answer.text()}`);
  }
  const other = service.subscribe("AAAA").endpoint;
  const answer = await fetch(other, { method: "POST", headers: good, body: Buffer.alloc(200) });
  assert.equal(answer.status, 403, "another key's subscription");
  assert.deepEqual(service.received, []);
});

test("the token endpoint and FCM refuse what Google refuses", async (t) => {
  const service = await FcmService.start();
  t.after(async () => service.stop());
  const account = JSON.parse(service.accountFile()) as Headers;
  const send = `${service.url}/v1/projects/${account["project_id"]}/messages:send`;
  const post = async (url: string, headers: Headers, body: string): Promise<number> =>
    (await fetch(url, { method: "POST", headers, body })).status;
  assert.equal(await post(send, {}, "{}"), 401);
  assert.equal(await post(send, { authorization: "Bearer other" }, "{}"), 401);
  const grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
  for (const [name, value] of Object.entries({ grant_type: "password", assertion: "a.b.c" })) {
    const form = new URLSearchParams({ grant_type: grant, assertion: "x", [name]: value });
    assert.equal(await post(account["token_uri"] ?? "", {}, form.toString()), 400);
  }
  assert.deepEqual([service.exchanges, service.received], [0, []]);
});

test("APNs refuses what Apple refuses, by Apple's reasons", async (t) => {
  const service = await ApnsService.start();
  const session = connect(service.url);
  t.after(async () => {
    session.destroy();
    await service.stop();
  });
  const { keyId, teamId, topic, key } = JSON.parse(service.credentialsFile()) as Record<string, string>;
  const jwt = async (iat: number, kid = keyId ?? "", iss = teamId ?? ""): Promise<string> => {
    const token = new SignJWT({ iss, iat }).setProtectedHeader({ alg: "ES256", kid });
    return `bearer ${await token.sign(createPrivateKey(key ?? ""))}`;
  };
  const token = service.register();
  const good: Headers = {
    ":method": "POST",
    ":path": `/3/device/${token}`,
    authorization: await jwt(nowS()),
    "apns-topic": topic ?? "",
    "apns-push-type": "alert",
  };
  const { authorization: _, ...anonymous } = good;
  const { "apns-topic": __, ...topicless } = good;
  const rows: readonly (readonly [reason: string, headers: Headers, body?: string])[] = [
    ["BadPath", { ...good, ":path": "/2/device/x" }],
    ["MethodNotAllowed", { ...good, ":method": "PUT" }],
    ["MissingDeviceToken", { ...good, ":path": "/3/device/" }],
    ["InvalidPushType", { ...good, "apns-push-type": "loud" }],
    ["BadPriority", { ...good, "apns-priority": "7" }],
    ["BadPriority", { ...good, "apns-push-type": "background" }],
    ["BadExpirationDate", { ...good, "apns-expiration": "soon" }],
    ["BadMessageId", { ...good, "apns-id": "1" }],
    ["BadCollapseId", { ...good, "apns-collapse-id": "x".repeat(65) }],
    ["MissingTopic", topicless],
    ["TopicDisallowed", { ...good, "apns-topic": "other" }],
    ["MissingProviderToken", anonymous],
    ["InvalidProviderToken", { ...good, authorization: "bearer a.b.c" }],
    ["InvalidProviderToken", { ...good, authorization: await jwt(nowS(), "OTHERKEY00") }],
    ["InvalidProviderToken", { ...good, authorization: await jwt(nowS(), keyId, "OTHERTEAM0") }],
    ["ExpiredProviderToken", { ...good, authorization: await jwt(nowS() - 3_610) }],
    ["PayloadEmpty", good, ""],
    ["PayloadTooLarge", good, "x".repeat(4_097)],
    ["BadDeviceToken", { ...good, ":path": "/3/device/abcd" }],
    ["DeviceTokenNotForTopic", { ...good, ":path": `/3/device/${service.registerOther()}` }],
  ];
  for (const [reason, headers, body = "{}"] of rows) {
    const stream = session.request(headers);
    stream.end(body);
    let text = "";
    for await (const chunk of stream.setEncoding("utf8")) text += String(chunk);
    assert.deepEqual(JSON.parse(text), { reason });
  }
  assert.deepEqual(service.received, []);
});
