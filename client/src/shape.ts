import { isMap } from "@jichat/protocol/frame/fields.ts";

export type Test = (value: unknown) => boolean;
/** What the fields of a map are. Other fields may be anything. */
export type Shape = Readonly<Record<string, Test>>;

export const isText: Test = (value) => typeof value === "string";
/** A position, or a number of things. */
export const isCount: Test = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
export const absentOr =
  (test: Test): Test =>
  (value) =>
    value === undefined || test(value);
export const mapOf =
  (shape: Shape): Test =>
  (value) =>
    isMap(value) && wrongField(value, shape) === undefined;

/** The first field that is not what it should be. */
export const wrongField = (map: Readonly<Record<string, unknown>>, shape: Shape): string | undefined =>
  Object.keys(shape).find((name) => shape[name]?.(map[name]) !== true);
