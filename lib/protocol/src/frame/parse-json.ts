/** Every string of a JSON text, with the colon that makes it a key. In one pass, whatever it holds. */
const STRINGS = /"(?:[^"\\]|\\[^])*"(?=([ \t\n\r]*:)?)/g;
/** No text that was UTF-8 has half of a pair. */
const MARK = "\udfff";

/**
 * What a well-formed JSON text of a stranger says; a SyntaxError where it is none. V8 (13.6, Node 24) reads a
 * key that has an escape as another text's key, where that one begins with the same characters, backslash
 * included: after `{"a":1,"\\":1}` it takes `{"a":1,"\u00e9":1}` for the same. Such keys are read apart.
 */
export function parseJson(text: string): unknown {
  if (!text.includes("\\")) return JSON.parse(text) as unknown;
  const keys: string[] = [];
  const marked = text.replace(STRINGS, (string: string, colon?: string) => {
    if (colon === undefined || !string.includes("\\")) return string;
    keys.push(JSON.parse(string) as string);
    return `"${MARK}${keys.length - 1}"`;
  });
  const value: unknown = JSON.parse(marked);
  return keys.length === 0 ? value : renamed(value, keys);
}

function renamed(value: unknown, keys: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, keys));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key.startsWith(MARK) ? (keys[Number(key.slice(MARK.length))] ?? key) : key,
      renamed(item, keys),
    ]),
  );
}
