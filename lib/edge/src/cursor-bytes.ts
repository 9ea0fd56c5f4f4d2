import type { ChatError } from "@jichat/protocol/errors.ts";

/** Log positions up to which effects stood in Redis, by partition: what a `sync` cursor means. */
export type Positions = readonly number[];

const PARTITIONS_MAX = 256;
/** Seven bits of each byte, so that eight bytes hold every integer that is exact. */
const INT_BYTES_MAX = 8;

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

/** Takes what was written, and refuses every other form: nothing is allocated for what is only claimed. */
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

  /** As many as are said, each at least a byte of what is left. */
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
