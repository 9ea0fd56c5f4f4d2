/** From here on a view of the text, and a look at eight bytes at once, pay. */
const LONG = 16;

/** Where the first byte of what is not UTF-8 stands (RFC 3629: no overlong form, no surrogate), or -1. */
export function invalidUtf8At(bytes: Uint8Array, from: number, to: number): number {
  let at = to - from < LONG ? from : pastAscii(bytes, from, to);
  while (at < to) {
    const length = (bytes[at] ?? 0) < 0x80 ? 1 : charLength(bytes, at);
    if (length === 0 || at + length > to) return at;
    at += length;
  }
  return -1;
}

const follows = (byte = 0): boolean => (byte & 0xc0) === 0x80;

/** Bytes of the character beyond ASCII that begins at `at`; 0 where none does. */
function charLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  const second = bytes[at + 1] ?? 0;
  if (lead < 0xc2 || lead > 0xf4 || !follows(second)) return 0;
  if (lead < 0xe0) return 2;
  if (!follows(bytes[at + 2])) return 0;
  // What is overlong, a surrogate or above U+10FFFF shows in the second byte.
  if (lead < 0xf0) return (lead === 0xe0 && second < 0xa0) || (lead === 0xed && second > 0x9f) ? 0 : 3;
  if (!follows(bytes[at + 3])) return 0;
  return (lead === 0xf0 && second < 0x90) || (lead === 0xf4 && second > 0x8f) ? 0 : 4;
}

/** A place in front of which everything is ASCII: nearly all of what is said in most frames. */
function pastAscii(bytes: Uint8Array, from: number, to: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = from;
  while (at + 8 <= to && ((view.getInt32(at) | view.getInt32(at + 4)) & 0x80_80_80_80) === 0) at += 8;
  return at;
}
