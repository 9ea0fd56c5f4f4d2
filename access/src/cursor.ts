import { ChatError } from "@jichat/protocol/errors.ts";

/** Log positions up to which effects stood in Redis, by partition: what a `sync` cursor means. */
export type Positions = readonly number[];

/** Where the next page of one sync goes on: behind the conversation `after`, itself last active at `ts`. */
export interface PageCursor {
  readonly since: Positions | undefined;
  readonly cursor: Positions;
  readonly ts: number;
  readonly after: string;
}

const VERSION = 1;

function writeInt(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(text: string, what: string) {
    this.#bytes = Buffer.from(text, "base64url");
    if (this.int() !== VERSION) throw this.fault(what);
  }

  fault = (what: string): ChatError =>
    new ChatError("FRAME_MALFORMED", `\`${what}\` is not a cursor that this cluster gave out`);

  int(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#at];
      this.#at += 1;
      if (byte === undefined || scale > 2 ** 49) throw this.fault("cursor");
      value += (byte % 128) * scale;
      if (byte < 128) break;
    }
    if (!Number.isSafeInteger(value)) throw this.fault("cursor");
    return value;
  }

  positions(partitions: number): Positions {
    const count = this.int();
    if (count !== partitions) throw this.fault("cursor");
    return Array.from({ length: count }, () => this.int());
  }

  rest(): string {
    return Buffer.from(this.#bytes.subarray(this.#at)).toString("utf8");
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw this.fault("cursor");
  }
}

const text = (bytes: readonly number[], tail = ""): string =>
  Buffer.concat([Buffer.from(bytes), Buffer.from(tail)]).toString("base64url");

function writePositions(bytes: number[], positions: Positions): void {
  writeInt(bytes, positions.length);
  for (const position of positions) writeInt(bytes, position);
}

export function encodeCursor(positions: Positions): string {
  const bytes: number[] = [VERSION];
  writePositions(bytes, positions);
  return text(bytes);
}

/** FRAME_MALFORMED for anything that `encodeCursor` of a cluster with this many partitions did not make. */
export function decodeCursor(cursor: string, partitions: number): Positions {
  const reader = new Reader(cursor, "since");
  const positions = reader.positions(partitions);
  reader.end();
  return positions;
}

export function encodePage({ since, cursor, ts, after }: PageCursor): string {
  const bytes: number[] = [VERSION, since === undefined ? 0 : 1];
  if (since !== undefined) writePositions(bytes, since);
  writePositions(bytes, cursor);
  writeInt(bytes, ts);
  return text(bytes, after);
}

export function decodePage(page: string, partitions: number): PageCursor {
  const reader = new Reader(page, "page");
  const since = reader.int() === 1 ? reader.positions(partitions) : undefined;
  return { since, cursor: reader.positions(partitions), ts: reader.int(), after: reader.rest() };
}
