import { FACETS, KINDS } from "@jichat/conversation/tables.ts";
import * as limits from "@jichat/protocol/limits.ts";
import { PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN } from "./readers.ts";

/**
 * JSON schemas of requests and answers. The OpenAPI page is made from them, and answers are serialized by
 * them. Requests are checked in `readers.ts`, by the protocol's limits.
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
export const reset = {
  type: "boolean",
  description:
    "`since` or `page` is from before the cluster's data was replaced: this is a first list, start again with it",
} as const;
export const body = {
  type: "object",
  additionalProperties: true,
  description: `a map of at most ${limits.BODY_BYTES_MAX} bytes as compact JSON, depth at most ${limits.BODY_DEPTH_MAX}`,
} as const;
const traceId = { type: "string" } as const;

export const object = <P extends object>(properties: P, required: readonly (keyof P & string)[] = []) =>
  ({ type: "object", properties, required }) as const;

/** A request body. Unknown fields are refused. */
export const request = <P extends object>(properties: P, required: readonly (keyof P & string)[] = []) =>
  ({ type: "object", properties, required, additionalProperties: false }) as const;

export const reply = <P extends object>(properties: P, required: readonly (keyof P & string)[] = []) =>
  ({
    type: "object",
    properties: { ...properties, traceId },
    required: [...required, "traceId"],
    additionalProperties: true,
  }) as const;

export const error = reply(
  { code: { type: "string" }, message: { type: "string" }, retryAfterMs: { type: "integer" } },
  ["code", "message"],
);
export const profile = { user: id, name } as const;
export const token = {
  token: { type: "string" },
  expiresAt: { type: "integer", description: "milliseconds since 1970" },
} as const;

/** Fields of events of all kinds. */
const fieldsOfKinds = Object.fromEntries(
  Object.values(KINDS).flatMap(({ fields }) =>
    Object.entries(fields).map(([name, { schema }]) => [name, schema]),
  ),
);

export const event = {
  type: "object",
  additionalProperties: true,
  properties: {
    conversation: id,
    seq,
    no: seq,
    kind: { enum: Object.keys(KINDS) },
    from: id,
    ts: { type: "integer" },
    id: clientId,
    ...fieldsOfKinds,
    edited: seq,
    recalled: seq,
  },
  required: ["conversation", "seq", "no", "kind", "from", "ts"],
} as const;

export const conversation = {
  type: "object",
  additionalProperties: true,
  properties: {
    conversation: id,
    kind: { enum: ["direct", "group"] },
    name,
    peer: id,
    first: seq,
    head: seq,
    read: seq,
    unread: { type: "integer" },
    ...Object.fromEntries(FACETS.map((facet) => [facet.name, facet.schema])),
    last: event,
    left: seq,
  },
  required: ["conversation"],
} as const;
