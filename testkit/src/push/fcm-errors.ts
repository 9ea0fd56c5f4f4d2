import type { Reply } from "./loopback-server.ts";

/** FCM's error codes, with the status of HTTP and of Google's APIs. */
const CODES = {
  UNREGISTERED: [404, "NOT_FOUND"],
  SENDER_ID_MISMATCH: [403, "PERMISSION_DENIED"],
  INVALID_ARGUMENT: [400, "INVALID_ARGUMENT"],
  THIRD_PARTY_AUTH_ERROR: [401, "UNAUTHENTICATED"],
  QUOTA_EXCEEDED: [429, "RESOURCE_EXHAUSTED"],
  UNAVAILABLE: [503, "UNAVAILABLE"],
  INTERNAL: [500, "INTERNAL"],
} as const;

export type FcmCode = keyof typeof CODES;
export const FCM_CODES = Object.keys(CODES) as readonly FcmCode[];

const error = (code: number, status: string, message: string, details: readonly object[]): Reply => ({
  status: code,
  body: { error: { code, message, status, details } },
});

/** A v1 error with FCM's own detail, as Google's servers write it. */
export function fcmError(code: FcmCode, message = "The request failed."): Reply {
  const [http, status] = CODES[code];
  const type = "type.googleapis.com/google.firebase.fcm.v1.FcmError";
  return error(http, status, message, [{ "@type": type, errorCode: code }]);
}

/** A field of the request is wrong. */
export function fcmFieldError(field: string, description: string): Reply {
  const fcm = {
    "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError",
    errorCode: "INVALID_ARGUMENT",
  };
  const bad = {
    "@type": "type.googleapis.com/google.rpc.BadRequest",
    fieldViolations: [{ field, description }],
  };
  return error(400, "INVALID_ARGUMENT", description, [fcm, bad]);
}

/** An error of Google's in front of FCM, which says nothing about a token. */
export const googleError = (code: number, status: string): Reply =>
  error(code, status, "The request failed.", []);
