import { hash } from "node:crypto";

/** A hash of 16 hex digits. Equal values have the same hash, whatever the order of their keys. */
export const hashOf = (value: unknown): string => hash("sha256", canonical(value), "hex").slice(0, 16);

/**
 * JSON with its keys in a fixed order: the same input gives the same text. A pass hashes every object that it
 * wants, so this is written for speed.
 */
export function canonical(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  let text = "";
  if (Array.isArray(value)) {
    for (const item of value) text += `${text === "" ? "" : ","}${canonical(item)}`;
    return `[${text}]`;
  }
  const fields = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(fields).sort()) {
    const item = fields[key];
    if (item !== undefined) text += `${text === "" ? "" : ","}${JSON.stringify(key)}:${canonical(item)}`;
  }
  return `{${text}}`;
}
