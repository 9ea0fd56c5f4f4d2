import type { Answer } from "@jichat/protocol/bus/command.ts";
import { ENVELOPE_BYTES_MAX, encodeRecord } from "@jichat/protocol/log/encode-batch.ts";
import type { LogRecord } from "@jichat/protocol/log/record.ts";

/** What one append has room for, measured on what is encoded. */
export class BatchRoom {
  readonly #bytesMax: number;
  #bytes = 0;
  /** What did not fit is the next batch, and whatever comes behind it too. */
  isFull = false;
  /** The records that were taken, encoded. */
  readonly texts: string[] = [];

  /** Of the whole batch, envelope included. */
  constructor(batchBytesMax: number) {
    this.#bytesMax = batchBytesMax - ENVELOPE_BYTES_MAX;
  }

  /** Takes what one command decided, all of it or nothing; otherwise says what its sender is to hear. */
  take(records: readonly LogRecord[]): Answer | undefined {
    const encoded = records.map(encodeRecord);
    const bytes = encoded.reduce((sum, record) => sum + record.bytes, 0);
    if (bytes > this.#bytesMax) {
      const message = `this takes ${bytes} bytes in a log, of which one batch has ${this.#bytesMax}`;
      return { code: "FRAME_TOO_LARGE", message };
    }
    this.isFull = this.#bytes + bytes > this.#bytesMax;
    if (this.isFull) return "later";
    this.#bytes += bytes;
    for (const { text } of encoded) this.texts.push(text);
    return undefined;
  }
}
