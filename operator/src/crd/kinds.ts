import type { TSchema, TSchemaOptions } from "typebox";
import { Type } from "typebox";

/**
 * Building blocks of a structural schema (Kubernetes, "Specifying a structural schema"): no `anyOf` of types,
 * no `patternProperties`, and every default inside the schema that it belongs to.
 */

/** One of a fixed set of words. */
export const word = <const T extends string>(words: readonly T[], options: TSchemaOptions = {}) =>
  Type.Unsafe<T>({ type: "string", enum: [...words], ...options });

/** One of a fixed set of numbers. */
export const oneOfNumbers = <const T extends number>(numbers: readonly T[], options: TSchemaOptions = {}) =>
  Type.Unsafe<T>({ type: "integer", enum: [...numbers], ...options });

/** A map with any keys, and values of one schema. */
export const map = <V>(values: TSchema, options: TSchemaOptions = {}) =>
  Type.Unsafe<Readonly<Record<string, V>>>({ type: "object", additionalProperties: values, ...options });

/** A list without duplicates by `keys`. Server-side apply merges it item by item. */
export const listBy = <T extends TSchema>(item: T, keys: readonly string[], options: TSchemaOptions = {}) =>
  Type.Array(item, { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [...keys], ...options });

/** An object that another API defines. It is kept unchanged, and checked where it is used. */
export const foreign = <T>(description: string) =>
  Type.Unsafe<T>({ type: "object", description, "x-kubernetes-preserve-unknown-fields": true });

/** Like `foreign`, but with a schema for the fields that are read here. */
export const foreignWith = <T>(properties: Readonly<Record<string, TSchema>>, options: TSchemaOptions = {}) =>
  Type.Unsafe<T>({
    type: "object",
    properties,
    required: Object.keys(properties),
    "x-kubernetes-preserve-unknown-fields": true,
    ...options,
  });

/** A Kubernetes quantity: `500m`, `1Gi`, `2`. */
export const quantity = (description: string) =>
  Type.Unsafe<string | number>({
    description,
    "x-kubernetes-int-or-string": true,
    pattern: String.raw`^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$`,
  });

/** A rule in CEL. Its message names the field, what is wrong, and the cure. */
export interface Rule {
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: string;
}
export const rules = (...all: readonly Rule[]): TSchemaOptions => ({ "x-kubernetes-validations": all });

export const NAME = String.raw`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`;
export const HOST = String.raw`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`;

/** An address and prefix of either family. The numbers are checked where it is used. */
export const CIDR = String.raw`^([0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*/[0-9]{1,3})$`;

export const secretName = (description: string) =>
  Type.String({ description, minLength: 1, maxLength: 253, pattern: HOST });

export const resources = Type.Object(
  {
    requests: Type.Optional(map<string | number>(quantity("as in a container"), { maxProperties: 16 })),
    limits: Type.Optional(map<string | number>(quantity("as in a container"), { maxProperties: 16 })),
  },
  { description: "what a container requests and may use at most; as in a pod" },
);
