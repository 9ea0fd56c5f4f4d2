const encoder = new TextEncoder();

export const utf8Bytes = (text: string): number => encoder.encode(text).length;

/**
 * Length of `text` in UTF-8 bytes, for a comparison with `enough` only: it does not encode where the number
 * of UTF-16 units decides already, and then returns that number.
 */
export function utf8Length(text: string, enough: number): number {
  if (text.length * 3 <= enough || text.length > enough) return text.length;
  return utf8Bytes(text);
}
