/** A frame of the protocol, as it travels. */
export type Traveller = Readonly<Record<string, unknown>>;

export const TEXT = 1;

export interface Frame {
  readonly opcode: number;
  readonly body: Buffer;
}

/** Cuts a stream of bytes into WebSocket frames. None of them is fragmented here. */
export class FrameReader {
  #rest = Buffer.alloc(0);

  read(bytes: Buffer): readonly Frame[] {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const frames: Frame[] = [];
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): Frame | undefined {
    const rest = this.#rest;
    if (rest.length < 2) return undefined;
    const short = (rest[1] ?? 0) & 127;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const isMasked = ((rest[1] ?? 0) & 128) !== 0;
    const from = 2 + lengthBytes + (isMasked ? 4 : 0);
    if (rest.length < from) return undefined;
    const length =
      lengthBytes === 0 ? short : rest.readUIntBE(lengthBytes === 8 ? 4 : 2, lengthBytes === 8 ? 6 : 2);
    if (rest.length < from + length) return undefined;
    const mask = isMasked ? rest.subarray(from - 4, from) : Buffer.alloc(4);
    const body = Buffer.from(
      rest.subarray(from, from + length).map((byte, at) => byte ^ (mask[at % 4] ?? 0)),
    );
    this.#rest = rest.subarray(from + length);
    return { opcode: (rest[0] ?? 0) & 15, body };
  }
}

/** One whole frame. Clients have to mask theirs; a mask of zeros changes nothing. */
export function written({ opcode, body }: Frame, isMasked: boolean): Buffer {
  const flag = isMasked ? 128 : 0;
  const head =
    body.length < 126
      ? Buffer.from([128 | opcode, flag | body.length])
      : Buffer.from([128 | opcode, flag | 126, body.length >> 8, body.length & 255]);
  return Buffer.concat([head, ...(isMasked ? [Buffer.alloc(4)] : []), body]);
}

export const textOf = (frame: Traveller): Frame => ({
  opcode: TEXT,
  body: Buffer.from(JSON.stringify(frame)),
});
