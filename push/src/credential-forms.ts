import { createECDH, createPrivateKey, createSecretKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { Fields } from "@jichat/protocol/frame/fields.ts";
import type { ApnsOptions } from "./providers/apns.ts";
import type { FcmOptions } from "./providers/fcm.ts";
import type { Vapid } from "./providers/vapid-headers.ts";
import type { WebhookOptions } from "./providers/webhook.ts";

/**
 * Readers of the files that hold credentials, one per provider. Each throws an Error that names the field and
 * what it should be, and never what it is: it may be secret.
 */

const FILE_LENGTH_MAX = 65_536;
const SECRETS_MAX = 10;
const APPLE_ID = /^[A-Z0-9]{10}$/;
const APNS = "https://api.push.apple.com";
const APNS_SANDBOX = "https://api.sandbox.push.apple.com";
const FCM = "https://fcm.googleapis.com";
const GOOGLE_TOKENS = "https://oauth2.googleapis.com/token";

function fieldsOf(text: string): Fields {
  if (text.length > FILE_LENGTH_MAX) throw new Error(`it has more than ${FILE_LENGTH_MAX} characters`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error("it is not JSON"); // The parser's own message quotes the text.
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error("it is not a JSON object");
  return new Fields(value);
}

/** Bytes in base64url without padding, as browsers and `web-push` write keys. */
const isBytes = (bytes: number) => (value: string) =>
  /^[\w-]+$/.test(value) && Buffer.from(value, "base64url").length === bytes;

function privateKeyIn(fields: Fields, name: string, type: "ec" | "rsa"): KeyObject {
  const what = type === "ec" ? "a private key of the curve P-256, as PEM" : "a private RSA key, as PEM";
  const pem = fields.string(name, 16_384);
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new Error(`\`${name}\` is not ${what}`); // The cause may quote the key.
  }
  const isRight =
    key.asymmetricKeyType === type &&
    (type === "rsa" || key.asymmetricKeyDetails?.namedCurve === "prime256v1");
  if (!isRight) throw new Error(`\`${name}\` is not ${what}`);
  return key;
}

const isLoopback = (hostname: string): boolean => /^(?:127\.\d+\.\d+\.\d+|\[::1\]|localhost)$/.test(hostname);

/** Plain HTTP would show credentials to everybody on the way. */
function isSafeUrl(value: string): boolean {
  const url = URL.parse(value);
  if (url === null || url.username !== "" || url.password !== "") return false;
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname));
}

const urlIn = (fields: Fields, name: string, fallback: string): URL =>
  new URL(
    fields.optional(name, (fields) =>
      fields.matching(name, isSafeUrl, "an https URL without a name and a password"),
    ) ?? fallback,
  );

/** `vapid.json`: `{subject, publicKey, privateKey}`. */
export function readVapid(text: string): Vapid {
  const fields = fieldsOf(text);
  const subject = fields.matching("subject", isSubject, "a mailto: or https: URL");
  const publicKey = fields.matching("publicKey", isBytes(65), "65 bytes in base64url");
  const privateKey = fields.matching("privateKey", isBytes(32), "32 bytes in base64url");
  const curve = createECDH("prime256v1");
  try {
    curve.setPrivateKey(privateKey, "base64url");
  } catch {
    throw new Error("`privateKey` is not one of the curve P-256");
  }
  if (curve.getPublicKey("base64url") !== publicKey)
    throw new Error("`publicKey` is not the one of `privateKey`");
  return { subject, publicKey, privateKey };
}

function isSubject(value: string): boolean {
  const url = URL.parse(value);
  if (url === null || value.length > 256) return false;
  // Apple refuses localhost.
  return (
    (url.protocol === "mailto:" && value.includes("@")) ||
    (url.protocol === "https:" && !isLoopback(url.hostname))
  );
}

/** `fcm.json`: the key file of a service account, as Google gives it, and perhaps `endpoint`. */
export function readFcm(text: string): Pick<FcmOptions, "account" | "endpoint"> {
  const fields = fieldsOf(text);
  fields.matching("type", (type) => type === "service_account", '"service_account"');
  return {
    account: {
      projectId: fields.matching("project_id", (id) => /^[a-z0-9.:-]{1,128}$/.test(id), "a project's id"),
      clientEmail: fields.line("client_email", 320),
      privateKeyId: fields.optional("private_key_id", (fields) => fields.line("private_key_id", 128)),
      privateKey: privateKeyIn(fields, "private_key", "rsa"),
      tokenUri: urlIn(fields, "token_uri", GOOGLE_TOKENS),
    },
    endpoint: urlIn(fields, "endpoint", FCM),
  };
}

/** `apns.json`: `{keyId, teamId, topic, key, isSandbox?, endpoint?}`. */
export function readApns(text: string): Pick<ApnsOptions, "key" | "topic" | "endpoint"> {
  const fields = fieldsOf(text);
  const id = (name: string): string =>
    fields.matching(name, (id) => APPLE_ID.test(id), "10 capital letters and digits");
  const isSandbox = fields.optional("isSandbox", (fields) => fields.boolean("isSandbox")) ?? false;
  return {
    key: { keyId: id("keyId"), teamId: id("teamId"), key: privateKeyIn(fields, "key", "ec") },
    topic: fields.matching("topic", (topic) => /^[\w.-]{1,255}$/.test(topic), "a bundle id"),
    endpoint: urlIn(fields, "endpoint", isSandbox ? APNS_SANDBOX : APNS),
  };
}

const isWebhookUrl = (value: string): boolean => {
  const url = URL.parse(value);
  return url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "";
};

/** The bytes of a secret of Standard Webhooks; none if it is not one. */
function secretBytes(secret: string): Buffer {
  const [, text = ""] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? [];
  return Buffer.from(text, "base64");
}
const isSecret = (secret: string): boolean => {
  const { length } = secretBytes(secret);
  return length >= 24 && length <= 64;
};

/** `webhook.json`: `{url, secrets: ["whsec_…", …]}`, the present secret first. */
export function readWebhook(text: string): Pick<WebhookOptions, "url" | "secrets"> {
  const fields = fieldsOf(text);
  const url = fields.matching("url", isWebhookUrl, "an https URL without a name and a password");
  const secrets = fields.list("secrets", () => true, 1, SECRETS_MAX);
  const wrong = secrets.findIndex((secret) => !isSecret(secret));
  if (wrong >= 0)
    throw new Error(`secret ${wrong + 1} of \`secrets\` is not whsec_ and 24 to 64 bytes in base64`);
  return { url: new URL(url), secrets: secrets.map((secret) => createSecretKey(secretBytes(secret))) };
}
