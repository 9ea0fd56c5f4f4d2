import { ECDH } from "node:crypto";
import type {
  Preview,
  PushKind,
  PushRegistration,
  PushTarget,
  QuietHours,
} from "@jichat/protocol/bus/push-registration.ts";
import { PUSH_KINDS } from "@jichat/protocol/bus/push-registration.ts";
import { ChatError } from "@jichat/protocol/errors.ts";

export const PUSH_ENDPOINT_LENGTH_MAX = 1_024;
export const PUSH_TOKEN_LENGTH_MAX = 4_096;
export const LOCALE_LENGTH_MAX = 64;
export const ZONE_LENGTH_MAX = 64;
/** An uncompressed point of P-256, and the secret of RFC 8291. */
const P256DH_BYTES = 65;
const AUTH_BYTES = 16;
export const PREVIEWS = ["none", "sender", "text"] as const satisfies readonly Preview[];

/** What a device asks for. The server adds the rest of a registration. */
export type PushWish = Pick<PushRegistration, "target" | "locale" | "preview" | "quiet">;

type Values = Readonly<Record<string, unknown>>;

const refuse = (path: string, why: string): ChatError =>
  new ChatError("INVALID", `\`${JSON.stringify(path.slice(0, 96)).slice(1, -1)}\` ${why}`);

/** Throws INVALID for what is no map, and for a field that has no meaning in it. */
function mapOf(value: unknown, path: string, known: readonly string[]): Values {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refuse(path, "is not a map");
  for (const name of Object.keys(value))
    if (!known.includes(name)) throw refuse(`${path}.${name}`, "is not a field of this request");
  return { ...value };
}

function oneOf<T extends string>(value: unknown, path: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw refuse(path, `is none of ${allowed.join(", ")}`);
  return found;
}

/** Printable ASCII: nothing else has a place in a token, a URL or a name. */
function asciiOf(value: unknown, path: string, lengthMax: number): string {
  if (typeof value !== "string" || !/^[ -~]+$/.test(value) || value.length > lengthMax)
    throw refuse(path, `is not 1 to ${lengthMax} printable ASCII characters`);
  return value;
}

const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);

function endpointOf(value: unknown, path: string): string {
  const text = asciiOf(value, path, PUSH_ENDPOINT_LENGTH_MAX);
  const url = URL.parse(text);
  if (url === null || text.includes(" ")) throw refuse(path, "is not a URL");
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname)))
    throw refuse(path, "is not an https URL");
  if (url.username !== "" || url.password !== "") throw refuse(path, "has credentials");
  if (url.hash !== "") throw refuse(path, "has a fragment");
  if (url.href.length > PUSH_ENDPOINT_LENGTH_MAX)
    throw refuse(path, `is longer than ${PUSH_ENDPOINT_LENGTH_MAX} characters`);
  return url.href;
}

/** Base64url without padding, as browsers write it. */
function bytesOf(value: unknown, path: string, length: number): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value, "base64url") : Buffer.alloc(0);
  if (bytes.length !== length || bytes.toString("base64url") !== value)
    throw refuse(path, `is not ${length} bytes as base64url without padding`);
  return bytes;
}

function publicKeyOf(value: unknown, path: string): string {
  const bytes = bytesOf(value, path, P256DH_BYTES);
  try {
    ECDH.convertKey(bytes, "prime256v1", undefined, undefined, "uncompressed");
    if (bytes[0] === 4) return bytes.toString("base64url");
  } catch (cause) {
    throw new ChatError("INVALID", `\`${path}\` is not a point of P-256`, { cause });
  }
  throw refuse(path, "is not an uncompressed point of P-256");
}

function subscriptionOf(value: unknown): PushTarget {
  // `PushSubscription.toJSON` of browsers has `expirationTime`. Push services say it themselves: 410.
  const { endpoint, keys } = mapOf(value, "subscription", ["endpoint", "expirationTime", "keys"]);
  const { p256dh, auth } = mapOf(keys, "subscription.keys", ["p256dh", "auth"]);
  return {
    kind: "webpush",
    endpoint: endpointOf(endpoint, "subscription.endpoint"),
    p256dh: publicKeyOf(p256dh, "subscription.keys.p256dh"),
    auth: bytesOf(auth, "subscription.keys.auth", AUTH_BYTES).toString("base64url"),
  };
}

function tokenOf(kind: Exclude<PushKind, "webpush">, value: unknown): PushTarget {
  const token = asciiOf(value, "token", PUSH_TOKEN_LENGTH_MAX);
  if (kind !== "apns") return { kind, token };
  // 32 bytes today. Apple promises no length, and takes at most 100 bytes.
  if (!/^(?:[0-9a-f]{2}){8,100}$/i.test(token)) throw refuse("token", "is not a device token of APNs in hex");
  return { kind, token: token.toLowerCase() };
}

function localeOf(value: unknown): string {
  const text = asciiOf(value, "locale", LOCALE_LENGTH_MAX);
  try {
    const [locale = ""] = Intl.getCanonicalLocales(text);
    return locale;
  } catch (cause) {
    throw new ChatError("INVALID", "`locale` is not a language tag (BCP 47)", { cause });
  }
}

function zoneOf(value: unknown, path: string): string {
  const text = asciiOf(value, path, ZONE_LENGTH_MAX);
  if (!/^[A-Za-z]/.test(text)) throw refuse(path, "is not the name of a time zone"); // But an offset.
  try {
    // The constructor throws for a zone that it does not know.
    return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone;
  } catch (cause) {
    throw new ChatError("INVALID", `\`${path}\` is not a time zone of the IANA database`, { cause });
  }
}

function timeOf(value: unknown, path: string): string {
  if (typeof value !== "string" || !/^(?:[01]\d|2[0-3]):[0-5]\d$/.test(value))
    throw refuse(path, "is not a time from 00:00 to 23:59");
  return value;
}

function quietOf(value: unknown): QuietHours {
  const { from, to, zone } = mapOf(value, "quiet", ["from", "to", "zone"]);
  const quiet = {
    from: timeOf(from, "quiet.from"),
    to: timeOf(to, "quiet.to"),
    zone: zoneOf(zone, "quiet.zone"),
  };
  if (quiet.from === quiet.to) throw refuse("quiet.to", "is the same time as `quiet.from`");
  return quiet;
}

/** Reads what a device registers. Throws INVALID with the path of the first field that is wrong. */
export function readPushWish(body: Values): PushWish {
  const kind = oneOf(body["kind"], "kind", PUSH_KINDS);
  const { token, subscription, quiet } = body;
  const [other, of] =
    kind === "webpush" ? (["token", token] as const) : (["subscription", subscription] as const);
  if (of !== undefined) throw refuse(other, `has no meaning with \`kind\` ${kind}`);
  return {
    target: kind === "webpush" ? subscriptionOf(subscription) : tokenOf(kind, token),
    locale: localeOf(body["locale"]),
    preview: oneOf(body["preview"], "preview", PREVIEWS),
    ...(quiet === undefined ? {} : { quiet: quietOf(quiet) }),
  };
}
