import { PUSH_KINDS } from "@jichat/protocol/bus/push-registration.ts";
import * as limits from "@jichat/protocol/limits.ts";
import { PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN } from "./readers.ts";
import {
  LOCALE_LENGTH_MAX,
  PREVIEWS,
  PUSH_ENDPOINT_LENGTH_MAX,
  PUSH_TOKEN_LENGTH_MAX,
  ZONE_LENGTH_MAX,
} from "./readers-of-push.ts";

/**
 * JSON schemas of the parts of requests and answers. The OpenAPI document is made from them, and answers are
 * serialized by them. Requests are checked in `readers.ts`, by the protocol's limits.
 */
export const id = { type: "string", pattern: "^[A-Za-z0-9_-]{1,64}$" } as const;
export const clientId = {
  type: "string",
  pattern: "^[ -~]{1,64}$",
  description: "chosen by the client; a repeated `id` stores nothing new",
} as const;
export const name = { type: "string", minLength: 1, maxLength: limits.NAME_LENGTH_MAX } as const;
export const password = {
  type: "string",
  minLength: PASSWORD_LENGTH_MIN,
  maxLength: PASSWORD_LENGTH_MAX,
} as const;
export const seq = { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const;
export const cursor = { type: "string", maxLength: 4_096 } as const;
/** A page's number of items. */
export const limit = (maximum: number, byDefault: number) =>
  ({
    type: "integer",
    minimum: 1,
    maximum,
    default: byDefault,
    description: "most items of the answer",
  }) as const;
export const time = (what: string) =>
  ({ type: "integer", minimum: 0, description: `${what}, in milliseconds since 1970 UTC` }) as const;

export const object = <P extends object>(properties: P, required: readonly (keyof P & string)[] = []) =>
  ({ type: "object", properties, required }) as const;

/** A request body. Unknown fields are refused. */
export const request = <P extends object>(
  properties: P,
  required: readonly (keyof P & string)[],
  ...examples: readonly Readonly<Record<string, unknown>>[]
) => ({ type: "object", properties, required, additionalProperties: false, examples }) as const;

export const pushKind = {
  type: "string",
  enum: PUSH_KINDS,
  description: "who delivers: browsers, Firebase, Apple, or the cluster's own webhook",
} as const;
export const pushToken = {
  type: "string",
  minLength: 1,
  maxLength: PUSH_TOKEN_LENGTH_MAX,
  description: "the device's token, for every `kind` but `webpush`; of `apns` in hex",
} as const;
const bytes = (length: number) =>
  ({ type: "string", pattern: `^[A-Za-z0-9_-]{${length}}$`, description: "base64url" }) as const;
export const pushSubscription = {
  ...object(
    {
      endpoint: { type: "string", format: "uri", maxLength: PUSH_ENDPOINT_LENGTH_MAX },
      keys: object({ p256dh: bytes(87), auth: bytes(22) }, ["p256dh", "auth"]),
    },
    ["endpoint", "keys"],
  ),
  description: "for `webpush`: the browser's `PushSubscription` as JSON",
} as const;
export const locale = {
  type: "string",
  minLength: 1,
  maxLength: LOCALE_LENGTH_MAX,
  description: "the language of notifications (BCP 47)",
} as const;
export const preview = {
  type: "string",
  enum: PREVIEWS,
  description: "what a notification shows: that something came, who wrote, or the text too",
} as const;
const hour = { type: "string", pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$" } as const;
export const quietHours = {
  ...object({ from: hour, to: hour, zone: { type: "string", maxLength: ZONE_LENGTH_MAX } }, [
    "from",
    "to",
    "zone",
  ]),
  description: "daily hours without notifications, which may pass midnight; `zone` is of the IANA database",
} as const;

/** A schema of `components.ts`, by its name. */
export const ref = (component: string) => ({ $ref: `${component}#` }) as const;

/** An answer: a component, beside the traceId that every answer carries. */
export const reply = (component: string, description: string) =>
  ({ description, allOf: [ref(component), ref("Traced")] }) as const;

/** An answer with nothing but the traceId. */
export const done = (description: string) => ({ description, ...ref("Traced") }) as const;
