const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/;
/**
 * Every escape of a JSON text, so that a backslash that is escaped itself hides what follows; a pair counts
 * as one.
 */
const ESCAPES =
  /\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|[^])/g;
const LONE_LENGTH = "\\ud83d".length;

/**
 * JSON text that says no half of a surrogate pair: U+FFFD itself stands for each. Nearly every text is
 * returned as it is.
 */
export function wellFormedJson(json: string): string {
  const text = json.isWellFormed() ? json : json.toWellFormed();
  if (!text.includes("\\u") || !SURROGATE_ESCAPE.test(text)) return text;
  return text.replace(ESCAPES, (escape) => (escape.length === LONE_LENGTH ? "\ufffd" : escape));
}

/** A copy of JSON's kinds of values with U+FFFD for halves of pairs, in keys, texts and `body`, which is JSON. */
export function wellFormedValue(value: unknown, isJson = false): unknown {
  if (typeof value === "string") return isJson ? wellFormedJson(value) : value.toWellFormed();
  if (Array.isArray(value)) return value.map((item) => wellFormedValue(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key.toWellFormed(), wellFormedValue(item, key === "body")]),
  );
}

/** `value` as JSON text, the same way: looked through again only where its text has such an escape. */
export function wellFormedText(value: unknown): string {
  const text = JSON.stringify(value);
  return SURROGATE_ESCAPE.test(text) ? JSON.stringify(wellFormedValue(value)) : text;
}

/** What JSON text says, the same way. */
export function parseWellFormed(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return SURROGATE_ESCAPE.test(text) ? wellFormedValue(value) : value;
}
