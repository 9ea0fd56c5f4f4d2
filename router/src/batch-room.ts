import type { Answer } from "@jichat/protocol/bus/command.ts";
import { ENVELOPE_BYTES_MAX, encodeRecord } from "@jichat/protocol/log/encode-batch.ts";
import type { LogRecord } from "@jichat/protocol/log/record.ts";

/** Sizes of whole batches, envelope included. A log may take less than was known: it has refused one. */
export interface BatchSize {
  /** Where a batch ends, unless it is of one command. */
  readonly cut: number;
  /** What no batch is larger than. */
  readonly most: number;
}

export const batchSizeOf = (bytesMax: number): BatchSize => ({ cut: bytesMax, most: bytesMax });

/** What to try behind a refused batch: it was too large in sum, or its largest command alone. */
export const smallerThan = ({ cut, most }: BatchSize, refused: number): BatchSize => ({
  cut: Math.min(cut, Math.floor(refused / 2)),
  most: Math.min(most, refused - 1),
});

/** What one append has room for, measured on what is encoded. */
export class BatchRoom {
  readonly #size: BatchSize;
  #bytes = ENVELOPE_BYTES_MAX;
  /** What did not fit is the next batch, and whatever comes behind it too. */
  isFull = false;
  /** The records that were taken, encoded. */
  readonly texts: string[] = [];

  constructor(size: BatchSize) {
    this.#size = size;
  }

  /** Takes what one command decided, all of it or nothing; otherwise says what its sender is to hear. */
  take(records: readonly LogRecord[]): Answer | undefined {
    const encoded = records.map(encodeRecord);
    const bytes = encoded.reduce((sum, record) => sum + record.bytes, 0);
    const bytesMax = this.#size.most - ENVELOPE_BYTES_MAX;
    if (bytes > bytesMax) {
      const message = `this takes ${bytes} bytes in a log, of which one batch has ${bytesMax}`;
      return { code: "FRAME_TOO_LARGE", message };
    }
    this.isFull = this.texts.length > 0 && this.#bytes + bytes > this.#size.cut;
    if (this.isFull) return "later";
    this.#bytes += bytes;
    for (const { text } of encoded) this.texts.push(text);
    return undefined;
  }
}
