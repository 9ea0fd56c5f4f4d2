import type { Outcome } from "../provider.ts";
import { isMap, mapOf } from "./attempt.ts";
import { down, gone, later, outcomeOfStatus, refused, unauthorized } from "./outcomes.ts";

/** An answer of FCM HTTP v1. */
export interface FcmAnswer {
  readonly status: number;
  readonly text: string;
  readonly afterMs: number | undefined;
}

/** Google asks for at least a minute where it names no time itself. */
const QUOTA_MS = 60_000;

const listOf = (value: unknown): readonly Readonly<Record<string, unknown>>[] =>
  Array.isArray(value) ? value.filter(isMap) : [];

interface FcmError {
  /** `errorCode` of FCM's own detail. */
  readonly code: string | undefined;
  /** Whether the request's token is what is wrong. */
  readonly isToken: boolean;
}

function errorIn(text: string): FcmError {
  const { error } = mapOf(text);
  const details = listOf(isMap(error) ? error["details"] : undefined);
  const code = details.map(({ errorCode }) => errorCode).find((code) => typeof code === "string");
  const isToken = details
    .flatMap(({ fieldViolations }) => listOf(fieldViolations))
    .some(({ field }) => field === "message.token");
  return { code, isToken };
}

/**
 * FCM's error codes. A foreign sender's token is a dead letter and not gone: with the file of a wrong project
 * every token is a foreign sender's.
 */
const BY_CODE: Readonly<Record<string, (afterMs: number | undefined) => Outcome>> = {
  UNREGISTERED: () => gone("the token exists no more: UNREGISTERED"),
  SENDER_ID_MISMATCH: () => refused("the token belongs to another sender: SENDER_ID_MISMATCH"),
  INVALID_ARGUMENT: () => refused("the push is refused: INVALID_ARGUMENT"),
  THIRD_PARTY_AUTH_ERROR: () =>
    unauthorized("the credentials that FCM has for Apple or for browsers are refused: THIRD_PARTY_AUTH_ERROR"),
  QUOTA_EXCEEDED: (afterMs = QUOTA_MS) => later("too many pushes: QUOTA_EXCEEDED", afterMs),
  UNAVAILABLE: (afterMs) => down("the provider fails: UNAVAILABLE", afterMs),
  INTERNAL: (afterMs) => down("the provider fails: INTERNAL", afterMs),
};

export function fcmOutcome({ status, text, afterMs }: FcmAnswer): Outcome {
  if (status === 200) return outcomeOfStatus(status, afterMs);
  const { code, isToken } = errorIn(text);
  if (status === 400 && isToken) return gone("the token is not one of FCM: INVALID_ARGUMENT");
  const known = code !== undefined && Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
  if (known !== undefined) return known(afterMs);
  // Without FCM's word on the token, what is not found is the project or the path: that concerns everybody.
  if (status === 404) return down("the project is not found: 404");
  return outcomeOfStatus(status, status === 429 ? (afterMs ?? QUOTA_MS) : afterMs);
}
