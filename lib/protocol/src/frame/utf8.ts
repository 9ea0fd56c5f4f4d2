/** From this length on (bytes), reading eight bytes at once is worth the DataView. */
const LONG = 16;

/** Index of the first byte that is not valid UTF-8 (RFC 3629: no overlong form, no surrogate), or -1. */
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

/** Length of the non-ASCII character at `at`, in bytes; 0 if it is invalid. */
function charLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  const second = bytes[at + 1] ?? 0;
  if (lead < 0xc2 || lead > 0xf4 || !follows(second)) return 0;
  if (lead < 0xe0) return 2;
  if (!follows(bytes[at + 2])) return 0;
  // Overlong forms, surrogates and code points above U+10FFFF show in the second byte.
  if (lead < 0xf0) return (lead === 0xe0 && second < 0xa0) || (lead === 0xed && second > 0x9f) ? 0 : 3;
  if (!follows(bytes[at + 3])) return 0;
  return (lead === 0xf0 && second < 0x90) || (lead === 0xf4 && second > 0x8f) ? 0 : 4;
}

/** An index before which all bytes are ASCII. Most frames are nearly all ASCII. */
function pastAscii(bytes: Uint8Array, from: number, to: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = from;
  while (at + 8 <= to && ((view.getInt32(at) | view.getInt32(at + 4)) & 0x80_80_80_80) === 0) at += 8;
  return at;
}
