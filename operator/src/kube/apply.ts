import { hashOf } from "./hash.ts";
import type { KubeApi } from "./api.ts";
import type { KubeObject } from "./object.ts";
import type { Normalised } from "./normalised.ts";
import { keyOf, resourceOf } from "./object.ts";

/** The hash of the input at the last apply. An object with the same hash is not applied again. */
export const APPLIED_ANNOTATION = "chat.jichat.io/applied";

/** `wanted` with its own hash as an annotation. */
export function marked<T extends KubeObject>(wanted: T): T {
  const { metadata } = wanted;
  return {
    ...wanted,
    metadata: { ...metadata, annotations: { ...metadata.annotations, [APPLIED_ANNOTATION]: hashOf(wanted) } },
  };
}

/**
 * Whether `observed` has every wanted field. Fields that the API server adds are ignored. Quantities are
 * compared as numbers, since the API server writes `500m` for 0.5.
 */
export function holds(observed: unknown, wanted: unknown): boolean {
  if (wanted === undefined) return true;
  if (Array.isArray(wanted)) {
    if (wanted.length === 0 && observed === undefined) return true; // The API server leaves out empty lists.
    return (
      Array.isArray(observed) &&
      observed.length === wanted.length &&
      wanted.every((item, index) => holds(observed[index], item))
    );
  }
  if (typeof wanted === "object" && wanted !== null) {
    if (typeof observed !== "object" || observed === null) return Object.keys(wanted).length === 0;
    return Object.entries(wanted).every(([key, item]) =>
      holds((observed as Record<string, unknown>)[key], item),
    );
  }
  return observed === wanted || isSameQuantity(observed, wanted);
}

const SUFFIXES: Readonly<Record<string, number>> = {
  "": 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** A quantity of any form as a number; undefined if the value is not a quantity. */
export function quantityOf(value: unknown): number | undefined {
  const [, digits, suffix = ""] =
    /^([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)([numkMGTPE]|[KMGTPE]i)?$/.exec(String(value)) ??
    [];
  const factor = SUFFIXES[suffix];
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}

function isSameQuantity(a: unknown, b: unknown): boolean {
  if (typeof a === "boolean" || typeof b === "boolean" || a === undefined || a === null) return false;
  const [one, other] = [quantityOf(a), quantityOf(b)];
  return one !== undefined && other !== undefined && Math.abs(one - other) <= 1e-9 * Math.abs(one);
}

/**
 * Applies `wanted`, unless `observed` was made from the same input and no field was changed since. Changes
 * that the API server made on its own do not count. Returns the resulting object, and whether anything was
 * written.
 */
export async function applyIfChanged<T extends KubeObject>(
  api: Pick<KubeApi, "apply">,
  wanted: T,
  observed: T | undefined,
  normalised?: Normalised,
): Promise<{ readonly object: T; readonly changed: boolean }> {
  const object = marked(wanted);
  const mark = object.metadata.annotations?.[APPLIED_ANNOTATION];
  const id = `${object.kind} ${keyOf(object)}`;
  const isSame =
    observed !== undefined &&
    observed.metadata.annotations?.[APPLIED_ANNOTATION] === mark &&
    (holds(observed, object) || normalised?.stands(id, observed, object) === true);
  if (isSame) return { object: observed, changed: false };
  const answered = await api.apply<T>(resourceOf(object), object);
  normalised?.remember(id, answered, object, holds(answered, object));
  return { object: answered, changed: true };
}
