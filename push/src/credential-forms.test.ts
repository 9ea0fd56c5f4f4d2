import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import webPush from "web-push";
import { readApns, readFcm, readVapid, readWebhook } from "./credential-forms.ts";

const pem = ({ privateKey }: ReturnType<typeof generateKeyPairSync>): string =>
  String(privateKey.export({ type: "pkcs8", format: "pem" }));
const RSA = pem(generateKeyPairSync("rsa", { modulusLength: 2_048 }));
const P256 = pem(generateKeyPairSync("ec", { namedCurve: "P-256" }));
const P384 = pem(generateKeyPairSync("ec", { namedCurve: "P-384" }));

const VAPID = { subject: "mailto:admin@chat.example", ...webPush.generateVAPIDKeys() };
const FCM = {
  type: "service_account",
  project_id: "chat-1",
  private_key_id: "abc",
  private_key: RSA,
  client_email: "push@chat-1.example",
  token_uri: "https://oauth2.example/token",
  universe_domain: "googleapis.com",
};
const APNS = { keyId: "ABC123DEFG", teamId: "DEF123GHIJ", topic: "chat.example.app", key: P256 };
const SECRET = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;
const WEBHOOK = { url: "https://gateway.example/push", secrets: [SECRET] };

test("good files are read", () => {
  assert.deepEqual(readVapid(JSON.stringify(VAPID)), VAPID);
  const fcm = readFcm(JSON.stringify(FCM));
  assert.deepEqual(
    [fcm.account.projectId, fcm.account.tokenUri.href, fcm.endpoint.href],
    ["chat-1", "https://oauth2.example/token", "https://fcm.googleapis.com/"],
  );
  const { token_uri: _, ...plain } = FCM;
  assert.equal(readFcm(JSON.stringify(plain)).account.tokenUri.href, "https://oauth2.googleapis.com/token");
  const endpoints = [
    {},
    { isSandbox: false },
    { isSandbox: true },
    { isSandbox: true, endpoint: "http://127.0.0.1:81" },
  ];
  assert.deepEqual(
    endpoints.map((more) => readApns(JSON.stringify({ ...APNS, ...more })).endpoint.host),
    ["api.push.apple.com", "api.push.apple.com", "api.sandbox.push.apple.com", "127.0.0.1:81"],
  );
  const webhook = readWebhook(JSON.stringify(WEBHOOK));
  const secrets = webhook.secrets.map((secret) => secret.export());
  assert.deepEqual([webhook.url.href, secrets], [WEBHOOK.url, [Buffer.alloc(24, 7)]]);
});

type Change = Readonly<Record<string, unknown>>;
/** A change that breaks a file, and how it is told. */
const BROKEN: readonly (readonly [
  read: (text: string) => unknown,
  good: object,
  change: Change,
  told: RegExp,
])[] = [
  [readVapid, VAPID, { subject: undefined }, /^`subject` is not a mailto: or https: URL$/],
  [readVapid, VAPID, { subject: "admin@chat.example" }, /^`subject` is not/],
  [readVapid, VAPID, { subject: "http://chat.example" }, /^`subject` is not/],
  [readVapid, VAPID, { subject: "https://localhost" }, /^`subject` is not/],
  [readVapid, VAPID, { publicKey: "AAAA" }, /^`publicKey` is not 65 bytes in base64url$/],
  [
    readVapid,
    VAPID,
    { publicKey: webPush.generateVAPIDKeys().publicKey },
    /^`publicKey` is not the one of `privateKey`$/,
  ],
  [readVapid, VAPID, { privateKey: VAPID.publicKey }, /^`privateKey` is not 32 bytes in base64url$/],
  [
    readVapid,
    VAPID,
    { privateKey: Buffer.alloc(32).toString("base64url") },
    /^`privateKey` is not one of the curve/,
  ],
  [readFcm, FCM, { type: "authorized_user" }, /^`type` is not "service_account"$/],
  [readFcm, FCM, { project_id: "../x" }, /^`project_id` is not a project's id$/],
  [readFcm, FCM, { client_email: 5 }, /^`client_email` is not a string$/],
  [readFcm, FCM, { private_key: "-----BEGIN" }, /^`private_key` is not a private RSA key, as PEM$/],
  [readFcm, FCM, { private_key: P256 }, /^`private_key` is not a private RSA key, as PEM$/],
  [readFcm, FCM, { token_uri: "http://oauth2.example/token" }, /^`token_uri` is not an https URL/],
  [readFcm, FCM, { endpoint: "https://a:b@fcm.example" }, /^`endpoint` is not an https URL/],
  [readApns, APNS, { keyId: "abc" }, /^`keyId` is not 10 capital letters and digits$/],
  [readApns, APNS, { teamId: undefined }, /^`teamId` is not 10 capital letters and digits$/],
  [readApns, APNS, { topic: "a b" }, /^`topic` is not a bundle id$/],
  [readApns, APNS, { key: RSA }, /^`key` is not a private key of the curve P-256, as PEM$/],
  [readApns, APNS, { key: P384 }, /^`key` is not a private key of the curve P-256, as PEM$/],
  [readApns, APNS, { isSandbox: "yes" }, /^`isSandbox` is neither true nor false$/],
  [readApns, APNS, { endpoint: "http://10.0.0.1" }, /^`endpoint` is not an https URL/],
  [readWebhook, WEBHOOK, { url: "ftp://gateway.example" }, /^`url` is not an https URL/],
  [readWebhook, WEBHOOK, { url: "https://a:b@gateway.example" }, /^`url` is not an https URL/],
  [readWebhook, WEBHOOK, { secrets: SECRET }, /^`secrets` is not a list$/],
  [readWebhook, WEBHOOK, { secrets: [] }, /^`secrets` has 0 entries, not 1 to 10$/],
  [readWebhook, WEBHOOK, { secrets: Array.from({ length: 11 }, () => SECRET) }, /^`secrets` has 11 entries/],
  [readWebhook, WEBHOOK, { secrets: [SECRET, "whsec_AAAA"] }, /^secret 2 of `secrets` is not whsec_/],
  [
    readWebhook,
    WEBHOOK,
    { secrets: [Buffer.alloc(32).toString("base64")] },
    /^secret 1 of `secrets` is not whsec_/,
  ],
];

for (const [read, good, change, told] of BROKEN) {
  const [field = ""] = Object.keys(change);
  test(`${read.name} refuses ${field}: ${String(told)}`, () => {
    assert.throws(
      () => read(JSON.stringify({ ...good, ...change })),
      (error: Error) => {
        assert.match(error.message, told);
        const value = change[field];
        if (typeof value === "string" && value.length > 3)
          for (let at = error as Error | undefined; at !== undefined; at = at.cause as Error | undefined)
            assert.ok(!at.message.includes(value), "it quotes what may be secret");
        return true;
      },
    );
  });
}

test("what is no JSON is refused without a word of it", () => {
  for (const read of [readVapid, readFcm, readApns, readWebhook]) {
    assert.throws(() => read('{"key": secret-of-the-test}'), { message: "it is not JSON" });
    assert.throws(() => read('["secret-of-the-test"]'), { message: "it is not a JSON object" });
    assert.throws(() => read(" ".repeat(65_537)), { message: /^it has more than 65536 characters$/ });
  }
});
