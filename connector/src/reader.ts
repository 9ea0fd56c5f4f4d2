import type { CodecName } from "@jichat/protocol/frame/codec.ts";
import { codecOf } from "@jichat/protocol/frame/codec.ts";

type Bytes = string | Uint8Array<ArrayBuffer>;

/** The part of a session that delivery needs. */
export interface Reader {
  readonly id: string;
  readonly echo: boolean;
  readonly isLive: boolean;
  readonly codecName: CodecName;
  /** Set if an event arrives before the welcome: the session is then told to sync. */
  missed: boolean;
  writeEncoded(bytes: Bytes): void;
  /** Called for each event that was written, with the event's time. */
  delivered(ts: number): void;
  /** Writes a frame that may be dropped. False if it was dropped because this reader has too much unread. */
  writeNotice(bytes: Bytes): boolean;
}

export interface Readers {
  of(user: string): Iterable<Reader>;
}

/**
 * A JSON frame in the encodings of its readers. Each encoding is made once, however many readers share it.
 */
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
