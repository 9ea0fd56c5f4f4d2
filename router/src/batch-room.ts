import type { Answer } from "@jichat/protocol/bus/command.ts";
import { ENVELOPE_BYTES_MAX, encodeRecord, recordBytesMax } from "@jichat/protocol/log/encode-batch.ts";
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

/**
 * What one append has room for. While even a bound of what was taken leaves room nothing is measured; from
 * then on it is, on what is encoded.
 */
export class BatchRoom {
  readonly #size: BatchSize;
  #bytes = ENVELOPE_BYTES_MAX;
  readonly #taken: LogRecord[] = [];
  #texts: string[] | undefined;
  /** What did not fit is the next batch, and whatever comes behind it too. */
  isFull = false;

  constructor(size: BatchSize) {
    this.#size = size;
  }

  /** The records that were taken, encoded; undefined where that was not needed. */
  get texts(): readonly string[] | undefined {
    return this.#texts;
  }

  /** Takes what one command decided, all of it or nothing; otherwise says what its sender is to hear. */
  reserve(records: readonly LogRecord[]): Answer | undefined {
    const bound = records.reduce((sum, record) => sum + recordBytesMax(record), this.#bytes);
    if (this.#texts === undefined && bound <= this.#size.cut) {
      this.#bytes = bound;
      this.#taken.push(...records);
      return undefined;
    }
    return this.#takeMeasured(records, (this.#texts ??= this.#measure()));
  }

  #measure(): string[] {
    const encoded = this.#taken.map(encodeRecord);
    this.#bytes = encoded.reduce((sum, record) => sum + record.bytes, ENVELOPE_BYTES_MAX);
    return encoded.map(({ text }) => text);
  }

  #takeMeasured(records: readonly LogRecord[], texts: string[]): Answer | undefined {
    const encoded = records.map(encodeRecord);
    const bytes = encoded.reduce((sum, record) => sum + record.bytes, 0);
    const bytesMax = this.#size.most - ENVELOPE_BYTES_MAX;
    if (bytes > bytesMax) {
      const message = `this takes ${bytes} bytes in a log, of which one batch has ${bytesMax}`;
      return { code: "FRAME_TOO_LARGE", message };
    }
    this.isFull = texts.length > 0 && this.#bytes + bytes > this.#size.cut;
    if (this.isFull) return "later";
    this.#bytes += bytes;
    for (const { text } of encoded) texts.push(text);
    return undefined;
  }
}
