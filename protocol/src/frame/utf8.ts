/** From here on a view of the text, and a look at eight bytes at once, pay. */
const LONG = 64;

/** Where the first byte of what is not UTF-8 stands (RFC 3629: no overlong form, no surrogate), or -1. */
export function invalidUtf8At(bytes: Uint8Array, from: number, to: number): number {
  let at = to - from < LONG ? from : pastAscii(bytes, from, to);
  while (at < to) {
    const lead = bytes[at] ?? 0;
    if (lead < 0x80) {
      at += 1;
      continue;
    }
    const more = followersOf(lead);
    // What is over-long, a surrogate or above U+10FFFF shows in the second byte.
    const second = bytes[at + 1] ?? 0;
    if (more === 0 || at + more >= to || second < leastSecond(lead) || second > mostSecond(lead)) return at;
    for (let i = 2; i <= more; i += 1) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return at;
    at += more + 1;
  }
  return -1;
}

function followersOf(lead: number): number {
  if (lead >= 0xc2 && lead <= 0xdf) return 1;
  if (lead >= 0xe0 && lead <= 0xef) return 2;
  return lead >= 0xf0 && lead <= 0xf4 ? 3 : 0;
}

function leastSecond(lead: number): number {
  if (lead === 0xe0) return 0xa0;
  return lead === 0xf0 ? 0x90 : 0x80;
}

function mostSecond(lead: number): number {
  if (lead === 0xed) return 0x9f;
  return lead === 0xf4 ? 0x8f : 0xbf;
}

/** A place in front of which everything is ASCII: nearly all of what is said in most frames. */
function pastAscii(bytes: Uint8Array, from: number, to: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = from;
  while (at + 8 <= to && ((view.getInt32(at) | view.getInt32(at + 4)) & 0x80_80_80_80) === 0) at += 8;
  return at;
}
