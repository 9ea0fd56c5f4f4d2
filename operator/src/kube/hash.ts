import { hash } from "node:crypto";

/** A hash of 16 hex digits. Equal values have the same hash, whatever the order of their keys. */
export const hashOf = (value: unknown): string => hash("sha256", canonical(value), "hex").slice(0, 16);

/** JSON with its keys in a fixed order: the same input gives the same text. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value as Record<string, unknown>).filter(([, item]) => item !== undefined);
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`)
    .join(",")}}`;
}
