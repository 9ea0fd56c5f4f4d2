import assert from "node:assert/strict";
import { createECDH } from "node:crypto";
import { test } from "node:test";
import { ChatError } from "@jichat/protocol/errors.ts";
import { readPushWish } from "./readers-of-push.ts";
import { WISHES } from "./routes/push-examples.ts";

const [WEB, FCM] = WISHES;
type Values = Readonly<Record<string, unknown>>;

const refused = (body: Values): string => {
  try {
    readPushWish(body);
  } catch (error) {
    assert.ok(error instanceof ChatError && error.code === "INVALID", String(error));
    return error.message;
  }
  return assert.fail(`${JSON.stringify(body)} is taken`);
};
const webWith = (endpoint: unknown, keys: Values = WEB.subscription.keys): Values => ({
  ...WEB,
  subscription: { endpoint, keys },
});

test("what browsers, Firebase and Apple give is taken, and written in one way", () => {
  assert.deepEqual(readPushWish(WEB), {
    target: { kind: "webpush", endpoint: WEB.subscription.endpoint, ...WEB.subscription.keys },
    locale: "en-GB",
    preview: "sender",
    quiet: WEB.quiet,
  });
  // As `JSON.stringify` of a browser's subscription writes it.
  const asBrowsersDo = { ...WEB.subscription, expirationTime: null };
  assert.deepEqual(readPushWish({ ...WEB, subscription: asBrowsersDo }), readPushWish(WEB));
  const chinese = readPushWish({ ...FCM, locale: "ZH-hans-cn" });
  assert.deepEqual(chinese, {
    target: { kind: "fcm", token: FCM.token },
    locale: "zh-Hans-CN",
    preview: "text",
  });
  const { target } = readPushWish({ ...FCM, kind: "apns", token: "AB".repeat(32) });
  assert.deepEqual(target, { kind: "apns", token: "ab".repeat(32) });
  assert.deepEqual(readPushWish({ ...FCM, kind: "webhook", token: "any text, 1" }).target, {
    kind: "webhook",
    token: "any text, 1",
  });
});

test("an endpoint is an https URL of at most 1,024 characters without credentials; on this machine also http", () => {
  const endpointOf = (endpoint: string): string => {
    const { target } = readPushWish(webWith(endpoint));
    return target.kind === "webpush" ? target.endpoint : assert.fail();
  };
  for (const good of [
    "https://push.example/a?b=c",
    `https://push.example/${"x".repeat(1_024 - 21)}`,
    "http://localhost:8123/push",
    "http://127.0.0.1:8123/push",
    "http://[::1]/push",
  ])
    assert.equal(endpointOf(good), good);
  assert.equal(endpointOf("HTTPS://Push.Example:443/a"), "https://push.example/a");
  for (const [bad, why] of [
    [`https://push.example/${"x".repeat(1_024 - 20)}`, /1 to 1024/],
    ["http://push.example/a", /not an https URL/],
    ["http://127.0.0.1.example/a", /not an https URL/],
    ["http://localhost.example/a", /not an https URL/],
    ["ftp://push.example/a", /not an https URL/],
    ["javascript:alert(1)", /not an https URL/],
    ["https://ann@push.example/a", /credentials/],
    ["https://ann:secret@push.example/a", /credentials/],
    ["https://push.example/a#b", /fragment/],
    ["push.example", /not a URL/],
    ["https://", /not a URL/],
    ["https://push.example/a b", /not a URL/],
    ["https://push\n.example/", /printable/],
    ["https://pu\u0455h.example/", /printable/],
    [`https://push.example/${'"'.repeat(900)}`, /longer than 1024/],
    [7, /printable/],
    [undefined, /printable/],
  ] as const) {
    const message = refused(webWith(bad));
    assert.match(message, why, String(bad));
    assert.match(message, /^`subscription\.endpoint` /);
  }
});

test("keys of a subscription are a point of P-256 and a secret of 16 bytes, in base64url without padding", () => {
  const { endpoint, keys } = WEB.subscription;
  const curve = createECDH("prime256v1");
  curve.generateKeys();
  const taken = webWith(endpoint, { ...keys, p256dh: curve.getPublicKey("base64url", "uncompressed") });
  assert.equal(readPushWish(taken).target.kind, "webpush");
  const point = Buffer.from(keys.p256dh, "base64url");
  const off = Buffer.from(point);
  off[64] = (off[64] ?? 0) ^ 1;
  const bad: readonly (readonly [string, unknown])[] = [
    ["p256dh", off.toString("base64url")],
    ["p256dh", Buffer.alloc(65).toString("base64url")],
    ["p256dh", Buffer.concat([Buffer.from([6]), point.subarray(1)]).toString("base64url")],
    ["p256dh", curve.getPublicKey("base64url", "compressed")],
    ["p256dh", `${keys.p256dh}=`],
    ["p256dh", point.toString("base64")],
    ["p256dh", `${keys.p256dh.slice(0, -1)}${keys.p256dh.endsWith("4") ? "5" : "x"}`],
    ["p256dh", 65],
    ["p256dh", undefined],
    ["auth", Buffer.alloc(15).toString("base64url")],
    ["auth", Buffer.alloc(17).toString("base64url")],
    ["auth", `${keys.auth}==`],
    ["auth", null],
  ];
  for (const [name, value] of bad)
    assert.match(
      refused(webWith(endpoint, { ...keys, [name]: value })),
      new RegExp(`^\`subscription\\.keys\\.${name}\` is not `),
      `${name} ${String(value)}`,
    );
});

test("a token has 1 to 4,096 printable characters, and that of Apple is hex", () => {
  const withToken = (kind: string, token: unknown): Values => ({ ...FCM, kind, token });
  assert.equal(readPushWish(withToken("fcm", "x".repeat(4_096))).target.kind, "fcm");
  for (const bad of ["", "x".repeat(4_097), "a\u0000", "a\n", "é", 1, null, undefined, ["a"]])
    assert.match(refused(withToken("fcm", bad)), /^`token` is not 1 to 4096 printable/);
  for (const bad of ["ab", "abc".repeat(11), "xy".repeat(32), "ab".repeat(101), `<${"ab".repeat(32)}>`])
    assert.match(refused(withToken("apns", bad)), /^`token` is not a device token of APNs/);
});

test("quiet hours are two times of day in a zone that exists", () => {
  const quiet = (changed: Values): Values => ({ ...FCM, quiet: { ...WEB.quiet, ...changed } });
  assert.deepEqual(readPushWish(quiet({ from: "00:00", to: "23:59", zone: "UTC" })).quiet?.to, "23:59");
  for (const [changed, why] of [
    [{ from: "24:00" }, /^`quiet\.from` is not a time/],
    [{ from: "7:00" }, /^`quiet\.from` is not a time/],
    [{ to: "12:60" }, /^`quiet\.to` is not a time/],
    [{ to: 700 }, /^`quiet\.to` is not a time/],
    [{ to: "22:00" }, /^`quiet\.to` is the same time/],
    [{ zone: "Europe/Nowhere" }, /^`quiet\.zone` is not a time zone/],
    [{ zone: "+01:00" }, /^`quiet\.zone` is not the name/],
    [{ zone: "x".repeat(65) }, /^`quiet\.zone` is not 1 to 64/],
    [{ zone: undefined }, /^`quiet\.zone` is not 1 to 64/],
    [{ days: "all" }, /^`quiet\.days` is not a field/],
  ] as const)
    assert.match(refused(quiet(changed)), why);
  for (const bad of [null, true, "22:00", [], 1])
    assert.match(refused({ ...FCM, quiet: bad }), /^`quiet` is not a map/);
});

test("what does not belong to the kind, or to anything, is refused by its path", () => {
  for (const [body, why] of [
    [{ ...WEB, token: "t" }, /^`token` has no meaning with `kind` webpush/],
    [{ ...FCM, subscription: WEB.subscription }, /^`subscription` has no meaning with `kind` fcm/],
    [{ ...FCM, kind: "sms" }, /^`kind` is none of webpush, fcm, apns, webhook/],
    [{ ...FCM, kind: "toString" }, /^`kind` is none of/],
    [{ ...FCM, preview: "all" }, /^`preview` is none of none, sender, text/],
    [{ ...FCM, locale: "english please" }, /^`locale` is not a language tag/],
    [{ ...FCM, locale: "x".repeat(65) }, /^`locale` is not 1 to 64/],
    [{ ...WEB, subscription: { ...WEB.subscription, id: 1 } }, /^`subscription\.id` is not a field/],
    [
      webWith(WEB.subscription.endpoint, { ...WEB.subscription.keys, other: "a" }),
      /^`subscription\.keys\.other` is/,
    ],
    [{ ...WEB, subscription: "https://push.example" }, /^`subscription` is not a map/],
    [{ ...WEB, subscription: { endpoint: WEB.subscription.endpoint } }, /^`subscription\.keys` is not a map/],
  ] as const)
    assert.match(refused(body), why);
});
