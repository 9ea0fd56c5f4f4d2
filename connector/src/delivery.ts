import type { DeliveredEvent, Delivery } from "@jichat/protocol/bus/delivery.ts";
import type { CodecName } from "@jichat/protocol/frame/codec.ts";
import { codecOf, jsonFrame } from "@jichat/protocol/frame/codec.ts";

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
}

export interface Readers {
  of(user: string): Iterable<Reader>;
}
export interface DeliveryResult {
  readonly written: number;
  readonly latest: readonly DeliveredEvent[];
}

/** A frame in JSON as bytes of other encodings, each made once, whoever many read it. */
class Encoded {
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

/**
 * Writes deliveries to sockets. Takes a partition's positions upwards only, so no socket sees a lower seq
 * after a higher.
 */
export class Deliveries {
  readonly #readers: Readers;
  readonly #positions = new Map<number, number>();

  constructor(readers: Readers) {
    this.#readers = readers;
  }

  /**
   * Writes what is new of it. A repeated delivery, or one of a deposed owner that comes late, changes
   * nothing.
   */
  deliver(delivery: Delivery): DeliveryResult {
    const last = this.#positions.get(delivery.partition) ?? 0;
    if (delivery.position <= last && delivery.isRest !== true) return { written: 0, latest: [] };
    this.#positions.set(delivery.partition, Math.max(last, delivery.position));
    const latest = delivery.events.filter(({ position }) => position > last);
    let written = 0;
    for (const { frame, users, origin } of latest) written += this.#write(frame, users, origin, true);
    for (const { conversation, user, seq, origin } of delivery.marks) {
      written += this.#write(jsonFrame({ t: "receipt", conversation, user, seq }), [user], origin, false);
    }
    for (const { conversation, users, head } of delivery.gaps) {
      written += this.#write(jsonFrame({ t: "gap", conversation, head }), users, undefined, false);
    }
    return { written, latest };
  }

  #write(json: string, users: readonly string[], origin: string | undefined, mayEcho: boolean): number {
    const frame = new Encoded(json);
    let written = 0;
    for (const user of users) {
      for (const reader of this.#readers.of(user)) {
        if (reader.id === origin && !(mayEcho && reader.echo)) continue;
        if (reader.isLive) {
          reader.writeEncoded(frame.as(reader.codecName));
          written += 1;
        } else reader.missed = true;
      }
    }
    return written;
  }
}
