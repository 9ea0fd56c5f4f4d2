import * as limits from "@jichat/protocol/limits.ts";
import { PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN } from "./readers.ts";

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
  example: Readonly<Record<string, unknown>>,
) => ({ type: "object", properties, required, additionalProperties: false, examples: [example] }) as const;

/** A schema of `components.ts`, by its name. */
export const ref = (component: string) => ({ $ref: `${component}#` }) as const;

/** An answer: a component, beside the traceId that every answer carries. */
export const reply = (component: string, description: string) =>
  ({ description, allOf: [ref(component), ref("Traced")] }) as const;

/** An answer with nothing but the traceId. */
export const done = (description: string) => ({ description, ...ref("Traced") }) as const;
