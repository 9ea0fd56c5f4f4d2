import type { Outcome } from "../provider.ts";
import { mapOf } from "./attempt.ts";
import { SENT, down, gone, later, outcomeOfStatus, refused, unauthorized } from "./outcomes.ts";

/** An answer of APNs. */
export interface ApnsAnswer {
  readonly status: number;
  readonly text: string;
  readonly afterMs: number | undefined;
}

type Meaning = "gone" | "refused" | "later" | "provider" | "credentials";

/**
 * Every reason that Apple documents ("Handling notification responses from APNs"), and what it is about. A
 * reason about our token, key or topic would be the same for everybody: it ends no registration.
 */
export const APNS_REASONS = {
  BadCollapseId: "refused",
  BadDeviceToken: "gone",
  BadExpirationDate: "refused",
  BadMessageId: "refused",
  BadPriority: "refused",
  BadTopic: "credentials",
  DeviceTokenNotForTopic: "gone",
  DuplicateHeaders: "refused",
  IdleTimeout: "later",
  InvalidPushType: "refused",
  MissingDeviceToken: "refused",
  MissingTopic: "refused",
  PayloadEmpty: "refused",
  TopicDisallowed: "credentials",
  BadCertificate: "credentials",
  BadCertificateEnvironment: "credentials",
  BadEnvironmentKeyIdInToken: "credentials",
  BadEnvironmentKeyInToken: "credentials",
  ExpiredProviderToken: "credentials",
  Forbidden: "credentials",
  InvalidProviderToken: "credentials",
  MissingProviderToken: "credentials",
  UnrelatedKeyIdInToken: "credentials",
  BadPath: "refused",
  MethodNotAllowed: "refused",
  ExpiredToken: "gone",
  Unregistered: "gone",
  PayloadTooLarge: "refused",
  TooManyProviderTokenUpdates: "credentials",
  TooManyRequests: "later",
  InternalServerError: "provider",
  ServiceUnavailable: "provider",
  Shutdown: "provider",
} as const satisfies Readonly<Record<string, Meaning>>;

type ApnsReason = keyof typeof APNS_REASONS;

const isReason = (reason: unknown): reason is ApnsReason =>
  typeof reason === "string" && Object.hasOwn(APNS_REASONS, reason);

/** The documented reason of an answer; `undefined` if it has none. */
export function reasonIn(text: string): ApnsReason | undefined {
  const { reason } = mapOf(text);
  return isReason(reason) ? reason : undefined;
}

export function apnsOutcome({ status, text, afterMs }: ApnsAnswer): Outcome {
  if (status === 200) return SENT;
  const reason = reasonIn(text);
  if (reason === undefined)
    return status === 410 ? gone("the token exists no more: 410") : outcomeOfStatus(status, afterMs);
  switch (APNS_REASONS[reason]) {
    case "gone":
      return gone(`the token is not one of this app any more: ${reason}`);
    case "refused":
      return refused(`the push is refused: ${reason}`);
    case "later":
      return later(`not now: ${reason}`, afterMs);
    case "provider":
      return down(`the provider fails: ${reason}`, afterMs);
    case "credentials":
      return unauthorized(`the credentials are refused: ${reason}`, afterMs);
  }
}
