import type { ChatError } from "@jichat/protocol/errors.ts";

/** The log position of each partition up to which effects are in Redis: the meaning of a `sync` cursor. */
export type Positions = readonly number[];

const PARTITIONS_MAX = 256;
/** Seven bits a byte: eight bytes hold every safe integer. */
const INT_BYTES_MAX = 8;

/** Appends a non-negative safe integer, seven bits a byte, the lowest first. */
export function writeInt(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}

export function writePositions(bytes: number[], positions: Positions): void {
  writeInt(bytes, positions.length);
  for (const position of positions) writeInt(bytes, position);
}

/**
 * Reads exactly the forms that are written here, and refuses all others. A claimed length allocates nothing.
 */
export class CursorReader {
  readonly #bytes: Uint8Array;
  readonly refuse: () => ChatError;
  #at = 0;

  constructor(bytes: Uint8Array, refuse: () => ChatError) {
    this.#bytes = bytes;
    this.refuse = refuse;
  }

  int(): number {
    let value = 0;
    for (let read = 0, scale = 1; ; read += 1, scale *= 128) {
      const byte = this.#bytes[this.#at];
      this.#at += 1;
      if (byte === undefined || read >= INT_BYTES_MAX || (byte === 0 && read > 0)) throw this.refuse();
      value += (byte % 128) * scale;
      if (byte < 128) break;
    }
    if (!Number.isSafeInteger(value)) throw this.refuse();
    return value;
  }

  /**
   * The count comes first. Each position takes at least one of the remaining bytes, so the count is bounded.
   */
  positions(): Positions {
    const count = this.int();
    if (count < 1 || count > PARTITIONS_MAX || count > this.#bytes.length - this.#at) throw this.refuse();
    return Array.from({ length: count }, () => this.int());
  }

  rest(): string {
    return Buffer.from(this.#bytes.subarray(this.#at)).toString("latin1");
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw this.refuse();
  }
}
