import type { KeyObject } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http2";
import { decodeJwt, jwtVerify } from "jose";

/** Apple's reasons, with their status. */
export const APNS_STATUS = {
  BadCollapseId: 400,
  BadDeviceToken: 400,
  BadExpirationDate: 400,
  BadMessageId: 400,
  BadPriority: 400,
  BadTopic: 400,
  DeviceTokenNotForTopic: 400,
  DuplicateHeaders: 400,
  IdleTimeout: 400,
  InvalidPushType: 400,
  MissingDeviceToken: 400,
  MissingTopic: 400,
  PayloadEmpty: 400,
  TopicDisallowed: 400,
  BadCertificate: 403,
  BadCertificateEnvironment: 403,
  BadEnvironmentKeyIdInToken: 403,
  BadEnvironmentKeyInToken: 403,
  ExpiredProviderToken: 403,
  Forbidden: 403,
  InvalidProviderToken: 403,
  MissingProviderToken: 403,
  UnrelatedKeyIdInToken: 403,
  BadPath: 404,
  MethodNotAllowed: 405,
  ExpiredToken: 410,
  Unregistered: 410,
  PayloadTooLarge: 413,
  TooManyProviderTokenUpdates: 429,
  TooManyRequests: 429,
  InternalServerError: 500,
  ServiceUnavailable: 503,
  Shutdown: 503,
} as const;

export type ApnsReason = keyof typeof APNS_STATUS;

/** Ends a push with one of Apple's reasons. */
export class ApnsRefusal extends Error {
  override readonly name = "ApnsRefusal";
  readonly reason: ApnsReason;

  constructor(reason: ApnsReason) {
    super(reason);
    this.reason = reason;
  }
}

const PUSH_TYPES = new Set(["alert", "background"]);
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const COLLAPSE_ID_BYTES_MAX = 64;
const TOKEN_LIFE_S = 3_600;

const textOf = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value = headers[name];
  return typeof value === "string" ? value : undefined;
};

/** Returns the device token of the path. Throws ApnsRefusal. */
export function checkHeaders(headers: IncomingHttpHeaders, topic: string): string {
  const check = (isRight: boolean, reason: ApnsReason): void => {
    if (!isRight) throw new ApnsRefusal(reason);
  };
  const [, token] = /^\/3\/device\/([^/?]*)$/.exec(headers[":path"] ?? "") ?? [];
  check(token !== undefined, "BadPath");
  check(headers[":method"] === "POST", "MethodNotAllowed");
  check(token !== "", "MissingDeviceToken");
  const [type, priority = "10", expiration = "0"] = ["push-type", "priority", "expiration"].map((name) =>
    textOf(headers, `apns-${name}`),
  );
  check(type !== undefined && PUSH_TYPES.has(type), "InvalidPushType");
  check(["1", "5", "10"].includes(priority) && !(type === "background" && priority === "10"), "BadPriority");
  check(/^\d{1,10}$/.test(expiration), "BadExpirationDate");
  const [id, collapse = ""] = ["id", "collapse-id"].map((name) => textOf(headers, `apns-${name}`));
  check(id === undefined || UUID.test(id), "BadMessageId");
  check(Buffer.byteLength(collapse) <= COLLAPSE_ID_BYTES_MAX, "BadCollapseId");
  const asked = textOf(headers, "apns-topic");
  check(asked !== undefined, "MissingTopic");
  check(asked === topic, "TopicDisallowed");
  return token ?? "";
}

export interface ProviderKey {
  readonly publicKey: KeyObject;
  readonly keyId: string;
  readonly teamId: string;
}

/** Checks the JWT of a push, and its age. Throws ApnsRefusal. */
export async function checkToken(
  authorization: string | undefined,
  { publicKey, keyId, teamId }: ProviderKey,
) {
  const [, token] = /^bearer (.+)$/i.exec(authorization ?? "") ?? [];
  if (token === undefined) throw new ApnsRefusal("MissingProviderToken");
  try {
    const { protectedHeader } = await jwtVerify(token, publicKey, { issuer: teamId, algorithms: ["ES256"] });
    if (protectedHeader.kid !== keyId) throw new Error("another key");
  } catch {
    throw new ApnsRefusal("InvalidProviderToken");
  }
  const age = Date.now() / 1_000 - (decodeJwt(token).iat ?? 0);
  if (age > TOKEN_LIFE_S) throw new ApnsRefusal("ExpiredProviderToken");
  if (age < -60) throw new ApnsRefusal("InvalidProviderToken");
}
