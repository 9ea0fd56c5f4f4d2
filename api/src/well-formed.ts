/**
 * An answer's JSON without half a surrogate pair, which older versions have stored: readers that are strict
 * could not read the answer at all. Only a text that has one in sight is looked at again.
 */
export const wellFormedJson = (text: string): string =>
  text.includes(String.raw`\ud`) ? JSON.stringify(wellFormed(JSON.parse(text) as unknown)) : text;

function wellFormed(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key.toWellFormed(), wellFormed(item)]),
  );
}
