import { ChatError } from "./errors.ts";
import type { BodyText } from "./frame/body.ts";
import { readBody } from "./frame/body.ts";
import type { Fields } from "./frame/fields.ts";
import { readIdNamed, readName, readSeq, readTime, readUsers } from "./frame/readers.ts";
import { isClientId } from "./id-forms.ts";
import * as limits from "./limits.ts";

/** A named field of a frame, of a REST request or of an event. */
export interface Field<T> {
  /** JSON Schema of the value, for OpenAPI. Documentation only: `read` is what validates. */
  readonly schema: object;
  readonly isOptional?: true;
  /** The value is checked, but is not part of what the reader returns. */
  readonly isConstant?: true;
  /** The value of field `name`, checked and normalised. Throws FRAME_MALFORMED, which names the field. */
  readonly read: (from: Fields, name: string) => T;
}

/** Fields by name, in the order in which they are read and documented. */
export type Shape = Readonly<Record<string, Field<unknown>>>;

type Value<F> = F extends Field<infer T> ? T : never;
type OptionalNames<S extends Shape> = {
  [K in keyof S]: undefined extends Value<S[K]> ? K : never;
}[keyof S];

/** Values of a shape. An optional field may be missing. */
export type Of<S extends Shape> = {
  readonly [K in Exclude<keyof S, OptionalNames<S>>]: Value<S[K]>;
} & { readonly [K in OptionalNames<S>]?: Value<S[K]> };

const list = (items: object, minItems: number, maxItems: number) => ({
  type: "array",
  items,
  minItems,
  maxItems,
});
const ID = { type: "string", pattern: "^[A-Za-z0-9_-]{1,64}$" } as const;

/** The client's own id of a write: the same `id` again stores nothing new. */
export const clientId: Field<string> = {
  schema: {
    type: "string",
    pattern: "^[ -~]{1,64}$",
    description: "chosen by the client; a repeated `id` stores nothing new",
  },
  read: (from, name) => from.matching(name, isClientId, "1 to 64 printable ASCII characters"),
};

/** The id of a user, a device or a conversation. */
export const id: Field<string> = { schema: ID, read: readIdNamed };

/** The display name of a group. */
export const name: Field<string> = {
  schema: { type: "string", minLength: 1, maxLength: limits.NAME_LENGTH_MAX },
  read: readName,
};

/** A seq in a conversation. `least` is 1 if it must name an event. */
export const seq = (least: 0 | 1): Field<number> => ({
  schema: { type: "integer", minimum: least, maximum: Number.MAX_SAFE_INTEGER },
  read: (from, name) => readSeq(from, name, least),
});

/** A time in milliseconds since 1970. */
export const time: Field<number> = {
  schema: {
    type: "integer",
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    description: "milliseconds since 1970 UTC",
  },
  read: readTime,
};

export const flag: Field<boolean> = {
  schema: { type: "boolean" },
  read: (from, name) => from.boolean(name),
};

/** Ids of users, each once; at most `USERS_PER_FRAME_MAX`. */
export const users = (least: 0 | 1): Field<readonly string[]> => ({
  schema: list(ID, least, limits.USERS_PER_FRAME_MAX),
  read: (from, name) => readUsers(from, name, least),
});

/** A message's body: a map, kept as compact JSON text. The bound in bytes is that of the `Fields` read from. */
export const body: Field<BodyText> = {
  schema: {
    type: "object",
    additionalProperties: true,
    description: `a map of at most ${limits.BODY_BYTES_MAX} bytes as compact JSON, depth at most ${limits.BODY_DEPTH_MAX}`,
  },
  read: (from, name) => readBody(from.raw(name), from.bodyBytesMax),
};

/** A field that has to be exactly this text. */
export interface Literal<T extends string> extends Field<undefined> {
  readonly schema: { readonly const: T };
}

/** A field that must be exactly this text. It is checked and dropped. */
export const literal = <T extends string>(text: T): Literal<T> => ({
  schema: { const: text },
  isConstant: true,
  read: (from, name) => {
    if (from.string(name, limits.NAME_LENGTH_MAX) !== text)
      throw new ChatError("FRAME_MALFORMED", `\`${name}\` is not \`${text}\``);
    return undefined;
  },
});

/** A field that may be missing. A null is refused like any other value of a wrong type. */
export const optional = <T>({ schema, read }: Field<T>): Field<T | undefined> => ({
  schema,
  isOptional: true,
  read: (from, name) => (from.raw(name) === undefined ? undefined : read(from, name)),
});

/**
 * Builds a reader of all fields of a shape, in order. The reader adds their values to `into`. Built once, at
 * load: the hot path only runs it, and all objects that it makes have the same hidden class.
 */
export function readerOf<S extends Shape>(shape: S): (from: Fields, into?: object) => Of<S> {
  const fields = Object.entries(shape).map(([name, { read, isConstant = false }]) => ({
    name,
    read,
    isConstant,
  }));
  return (from, into = {}) => {
    const values = into as Record<string, unknown>;
    // By index: an iterator for each frame would cost as much as reading it.
    for (let at = 0; at < fields.length; at += 1) {
      const field = fields[at];
      if (field === undefined) break;
      const value = field.read(from, field.name);
      if (!field.isConstant) values[field.name] = value;
    }
    return values as Of<S>;
  };
}
