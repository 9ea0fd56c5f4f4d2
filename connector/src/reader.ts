import type { CodecName } from "@jichat/protocol/frame/codec.ts";
import { codecOf } from "@jichat/protocol/frame/codec.ts";

type Bytes = string | Uint8Array<ArrayBuffer>;

/** What delivery needs of a session. */
export interface Reader {
  readonly id: string;
  readonly echo: boolean;
  readonly isLive: boolean;
  readonly codecName: CodecName;
  /** Set on one that is still being greeted: it will be told to sync. */
  missed: boolean;
  writeEncoded(bytes: Bytes): void;
  /** Writes what may be missed; false where it was dropped, since this reader has too much unread already. */
  writeNotice(bytes: Bytes): boolean;
}

export interface Readers {
  of(user: string): Iterable<Reader>;
}

/** A frame in JSON as bytes of other encodings, each made once, whoever many read it. */
export class Encoded {
  readonly #json: string;
  #others: Map<CodecName, Bytes> | undefined;

  constructor(json: string) {
    this.#json = json;
  }

  as(codec: CodecName): Bytes {
    if (codec === "json") return this.#json;
    const known = this.#others?.get(codec);
    if (known !== undefined) return known;
    const bytes = codecOf(codec).ofJson(this.#json);
    (this.#others ??= new Map()).set(codec, bytes);
    return bytes;
  }
}
