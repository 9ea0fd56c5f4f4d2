import { ChatError } from "../errors.ts";
import { isClientId } from "../id-forms.ts";
import { FRAME_DEPTH_MAX } from "../limits.ts";
import { pathOf } from "./path.ts";
import { invalidUtf8At } from "./utf8.ts";

/** A message that was refused before it was decoded, with its `id` if that was readable. */
export class RefusedMessage extends ChatError {
  readonly id: string | undefined;

  constructor(why: string, id: string | undefined, cause?: unknown) {
    super("FRAME_MALFORMED", why, { cause });
    this.id = id;
  }
}

const [PLAIN, STR, BIN, EXT, ARRAY, MAP, UNUSED] = [0, 1, 2, 3, 4, 5, 6];
const NOUNS = ["a value", "a string", "a bin", "an ext", "an array", "a map", "0xc1"];
const ID_KEY = 0x6964; // "id"
const KEY_SHOWN_MAX = 40;

/**
 * Tables by the first byte of a value: its kind, its size (bytes or entries), and the number of bytes in
 * which the size is written.
 */
const kinds = new Uint8Array(256);
const sizes = new Uint8Array(256);
const sizeBytes = new Uint8Array(256);

/** The size of a value (bytes or entries), or the number of bytes in which its size is written. */
interface Extent {
  readonly size?: number;
  readonly inBytes?: number;
}

function declare(first: number, count: number, kind: number, { size = 0, inBytes = 0 }: Extent): void {
  kinds.fill(kind, first, first + count);
  sizes.fill(size, first, first + count);
  sizeBytes.fill(inBytes, first, first + count);
}

for (let size = 0; size < 16; size += 1) {
  declare(0x80 + size, 1, MAP, { size });
  declare(0x90 + size, 1, ARRAY, { size });
}
for (let size = 0; size < 32; size += 1) declare(0xa0 + size, 1, STR, { size });
declare(0xc1, 1, UNUSED, {});
for (const [i, inBytes] of [1, 2, 4].entries()) {
  declare(0xc4 + i, 1, BIN, { inBytes });
  declare(0xc7 + i, 1, EXT, { inBytes });
  declare(0xd9 + i, 1, STR, { inBytes });
}
declare(0xca, 1, PLAIN, { size: 4 });
declare(0xcb, 1, PLAIN, { size: 8 });
for (const [i, size] of [1, 2, 4, 8].entries()) {
  declare(0xcc + i, 1, PLAIN, { size });
  declare(0xd0 + i, 1, PLAIN, { size });
}
for (const [i, size] of [1, 2, 4, 8, 16].entries()) declare(0xd4 + i, 1, EXT, { size });
for (const [i, inBytes] of [2, 4].entries()) {
  declare(0xdc + i, 1, ARRAY, { inBytes });
  declare(0xde + i, 1, MAP, { inBytes });
}

function numberAt(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let i = 0; i < length; i += 1) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
}

/**
 * Checks a MessagePack message before it is decoded. A decoder trusts the size in a header and allocates
 * memory for it. The scan compares each size with the bytes that are left, less one byte for each entry that
 * is still expected. So a decoded message is never larger than its bytes allow.
 *
 * The scan reuses its counters and allocates nothing that grows with the input. An error in a value, as
 * opposed to the message's structure, is remembered and thrown at the end, since the id may come after it.
 */
class MsgpackScan {
  #bytes: Uint8Array = new Uint8Array();
  #at = 0;
  /** Bytes that open arrays and maps still need at least: one for each entry, key or value. */
  #owed = 0;
  #depth = 0;
  /** Offsets (from, to) of the last key and of the id, both at the top level of the frame. */
  readonly #key = new Float64Array(2);
  readonly #id = new Float64Array(2);
  #idAt = -1;
  #wrong: string | undefined;
  /**
   * By depth: entries that are still expected (a key and its value count as two), and whether they are a
   * map's.
   */
  readonly #left = new Float64Array(FRAME_DEPTH_MAX + 1);
  readonly #maps = new Uint8Array(FRAME_DEPTH_MAX + 1);

  run(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#at = 0;
    this.#owed = 1;
    this.#depth = 0;
    this.#key.fill(0);
    this.#id.fill(0);
    this.#idAt = -1;
    this.#wrong = undefined;
    this.#left[0] = 1;
    while (this.#owed > 0) this.#value();
    if (this.#at < bytes.length) throw this.#refuse(this.#at, "is after the end of the frame");
    if (this.#wrong !== undefined) throw new RefusedMessage(this.#wrong, this.id());
  }

  /** The frame's id, if the scan has reached it. */
  id(): string | undefined {
    const [from = 0, to = 0] = this.#id;
    if (to === from || to - from > 64) return undefined;
    const id = String.fromCharCode(...this.#bytes.subarray(from, to));
    return isClientId(id) ? id : undefined;
  }

  #value(): void {
    while (this.#left[this.#depth] === 0) this.#depth -= 1;
    const left = (this.#left[this.#depth] ?? 0) - 1;
    this.#left[this.#depth] = left;
    this.#owed -= 1;
    const isKey = this.#maps[this.#depth] === 1 && left % 2 === 1;
    const start = this.#at;
    if (start >= this.#bytes.length) throw this.#refuse(start, "is missing");
    const first = this.#bytes[start] ?? 0;
    const kind = kinds[first] ?? UNUSED;
    if (kind === UNUSED) throw this.#refuse(start, "is 0xc1, which MessagePack does not use");
    this.#at += 1;
    const size = this.#size(start, first, kind);
    if (isKey && kind !== STR) this.#remember(start, "has a key that is not a string");
    if (kind === ARRAY || kind === MAP) this.#open(start, kind, size);
    else if (kind === STR) this.#text(start, size, isKey);
    else this.#pass(start, kind, size);
  }

  /** Reads the size from a header, and moves past the header. */
  #size(start: number, first: number, kind: number): number {
    const inBytes = sizeBytes[first] ?? 0;
    if (inBytes === 0) return sizes[first] ?? 0;
    this.#afford(start, kind, inBytes);
    const size = numberAt(this.#bytes, this.#at, inBytes);
    this.#at += inBytes;
    return size;
  }

  #open(start: number, kind: number, entries: number): void {
    const items = kind === MAP ? entries * 2 : entries;
    this.#afford(start, kind, items);
    if (this.#depth === FRAME_DEPTH_MAX)
      throw this.#refuse(start, `is nested deeper than ${FRAME_DEPTH_MAX}`);
    this.#depth += 1;
    this.#left[this.#depth] = items;
    this.#maps[this.#depth] = kind === MAP ? 1 : 0;
    this.#owed += items;
  }

  #text(start: number, size: number, isKey: boolean): void {
    this.#afford(start, STR, size);
    const from = this.#at;
    this.#at += size;
    if (this.#depth === 1 && isKey) {
      this.#key[0] = from;
      this.#key[1] = this.#at;
      if (size === 2 && numberAt(this.#bytes, from, 2) === ID_KEY) this.#idAt = this.#at;
    }
    if (start === this.#idAt) {
      this.#id[0] = from;
      this.#id[1] = this.#at;
    }
    const invalid = invalidUtf8At(this.#bytes, from, this.#at);
    if (invalid >= 0) this.#remember(invalid, "has text that is not UTF-8");
  }

  #pass(start: number, kind: number, size: number): void {
    const bytes = kind === EXT ? size + 1 : size;
    this.#afford(start, kind, bytes);
    this.#at += bytes;
    if (kind !== PLAIN)
      this.#remember(start, `has ${NOUNS[kind]} value; bin and ext types are not part of this protocol`);
  }

  #afford(start: number, kind: number, bytes: number): void {
    const left = this.#bytes.length - this.#at - this.#owed;
    if (bytes <= left) return;
    const why = `begins ${NOUNS[kind]} that takes ${bytes} bytes or more, and ${Math.max(0, left)} are left`;
    throw this.#refuse(start, why);
  }

  #refuse(at: number, why: string): RefusedMessage {
    const where = `this message is not MessagePack that this protocol accepts: byte ${at}`;
    return new RefusedMessage(`${where} ${why}`, this.id());
  }

  #remember(at: number, why: string): void {
    if (this.#wrong !== undefined) return;
    const [from = 0, to = 0] = this.#key;
    const key = String.fromCharCode(...this.#bytes.subarray(from, Math.min(to, from + KEY_SHOWN_MAX)));
    this.#wrong = `${to === 0 ? "the frame" : pathOf(key)} ${why} (byte ${at})`;
  }
}

const scan = new MsgpackScan();

/**
 * Throws FRAME_MALFORMED, with the fault and its byte, unless `bytes` are exactly one MessagePack value that
 * this protocol allows. After that a decoder is safe.
 */
export function scanMsgpack(bytes: Uint8Array): void {
  scan.run(bytes);
}

/** The id in the message that was scanned last. */
export const idOfScanned = (): string | undefined => scan.id();
