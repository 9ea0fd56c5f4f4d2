const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/;
/**
 * Every escape of a JSON text. An escaped backslash is one match, so what follows it is not taken for an
 * escape. A surrogate pair is one match.
 */
const ESCAPES =
  /\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|[^])/g;
const LONE_LENGTH = "\\ud83d".length;

/** Replaces every unpaired surrogate of a JSON text by U+FFFD. Nearly every text is returned as it is. */
export function wellFormedJson(json: string): string {
  const text = json.isWellFormed() ? json : json.toWellFormed();
  if (!text.includes("\\u") || !SURROGATE_ESCAPE.test(text)) return text;
  return text.replace(ESCAPES, (escape) => (escape.length === LONE_LENGTH ? "\ufffd" : escape));
}

/**
 * A copy of a JSON value with U+FFFD for unpaired surrogates in keys, in texts and in `body`, which is JSON
 * text.
 */
export function wellFormedValue(value: unknown, isJson = false): unknown {
  if (typeof value === "string") return isJson ? wellFormedJson(value) : value.toWellFormed();
  if (Array.isArray(value)) return value.map((item) => wellFormedValue(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key.toWellFormed(), wellFormedValue(item, key === "body")]),
  );
}

/** `value` as JSON text without unpaired surrogates. It is searched only if its text has such an escape. */
export function wellFormedText(value: unknown): string {
  const text = JSON.stringify(value);
  return SURROGATE_ESCAPE.test(text) ? JSON.stringify(wellFormedValue(value)) : text;
}

/** Parses JSON text, with U+FFFD for unpaired surrogates. */
export function parseWellFormed(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return SURROGATE_ESCAPE.test(text) ? wellFormedValue(value) : value;
}
