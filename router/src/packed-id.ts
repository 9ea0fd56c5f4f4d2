import { timeOfId } from "@jichat/protocol/ids.ts";
import type { NameTable } from "./name-table.ts";

/**
 * A client's id as three numbers. The 128 bits of a UUIDv7 are split into 48 (its time), 48 and 32 bits, each
 * exact in a double. Any other id is −1, its number in a `NameTable`, and 0.
 */
export type PackedId = readonly [a: number, b: number, c: number];

const OTHER = -1;

/** A cache of one id: an id is usually looked up, and then added. */
let last: { readonly id: string; readonly packed: PackedId | undefined } = { id: "", packed: undefined };

function packUuid(id: string): PackedId | undefined {
  if (id !== last.id) last = { id, packed: packedUuid(id) };
  return last.packed;
}

function packedUuid(id: string): PackedId | undefined {
  const time = timeOfId(id);
  if (time === undefined) return undefined;
  const middle = id.slice(14, 18) + id.slice(19, 23) + id.slice(24, 28);
  return [time, Number.parseInt(middle, 16), Number.parseInt(id.slice(28), 16)];
}

/** Like `timeOfId`. It shares its parsing with `packId`. */
export const timeOfUuid = (id: string): number | undefined => packUuid(id)?.[0];

/** Packs an id. One that is not a UUIDv7 uses a number of `names` until `releaseId`. */
export const packId = (id: string, names: NameTable): PackedId => packUuid(id) ?? [OTHER, names.use(id), 0];

/** Packs an id for a lookup; `undefined` if `names` does not have it. */
export function findPackedId(id: string, names: NameTable): PackedId | undefined {
  const uuid = packUuid(id);
  if (uuid !== undefined) return uuid;
  const number = names.find(id);
  return number === undefined ? undefined : [OTHER, number, 0];
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");

/** `texts` are those of the `NameTable` that the id was packed with. */
export function unpackId([a, b, c]: PackedId, texts: readonly string[]): string {
  if (a === OTHER) return texts[b] ?? "";
  const [time, middle] = [hex(a, 12), hex(b, 12)];
  const groups = [time.slice(0, 8), time.slice(8), middle.slice(0, 4), middle.slice(4, 8)];
  return `${groups.join("-")}-${middle.slice(8)}${hex(c, 8)}`;
}

/** Ends one use that `packId` began. */
export function releaseId([a, b]: PackedId, names: NameTable): void {
  if (a === OTHER) names.release(b);
}

/** The id's own time, or 0 if it has none: forgetting such an id changes no bound that rests on times. */
export const timeOfPackedId = ([a]: PackedId): number => Math.max(0, a);
