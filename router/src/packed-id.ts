import { timeOfId } from "@jichat/protocol/ids.ts";
import type { NameTable } from "./name-table.ts";

/**
 * A client's id as three numbers. A UUIDv7's 128 bits as 48 (its time), 48 and 32, each exact in a double;
 * any other id as −1, its number among `Names`, and 0.
 */
export type PackedId = readonly [a: number, b: number, c: number];

const OTHER = -1;

/** The id that is looked for is the one that is added next. */
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

/** As `timeOfId`, of an id that is packed too. */
export const timeOfUuid = (id: string): number | undefined => packUuid(id)?.[0];

/** Takes what is not a UUIDv7 into `names`: `releaseId` gives it back. */
export const packId = (id: string, names: NameTable): PackedId => packUuid(id) ?? [OTHER, names.use(id), 0];

/** The same for an id that is looked for; undefined where `names` does not know it. */
export function findPackedId(id: string, names: NameTable): PackedId | undefined {
  const uuid = packUuid(id);
  if (uuid !== undefined) return uuid;
  const number = names.find(id);
  return number === undefined ? undefined : [OTHER, number, 0];
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");

export function unpackId([a, b, c]: PackedId, names: NameTable): string {
  if (a === OTHER) return names.text(b);
  const [time, middle] = [hex(a, 12), hex(b, 12)];
  const groups = [time.slice(0, 8), time.slice(8), middle.slice(0, 4), middle.slice(4, 8)];
  return `${groups.join("-")}-${middle.slice(8)}${hex(c, 8)}`;
}

export function releaseId([a, b]: PackedId, names: NameTable): void {
  if (a === OTHER) names.release(b);
}

/** The id's own time, 0 where it has none: forgetting such an id moves nothing that rests on times. */
export const timeOfPackedId = ([a]: PackedId): number => Math.max(0, a);
