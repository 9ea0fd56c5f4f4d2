import type { Answer } from "@jichat/protocol/bus/command.ts";
import { ENVELOPE_BYTES_MAX, encodeRecord, recordBytesMax } from "@jichat/protocol/log/encode-batch.ts";
import type { LogRecord } from "@jichat/protocol/log/record.ts";

/**
 * Sizes of whole batches in bytes, envelope included. A log may accept less than we know; then it has refused
 * a batch.
 */
export interface BatchSize {
  /** A batch ends here, unless it has a single command. */
  readonly cut: number;
  /** No batch is larger than this. */
  readonly most: number;
}

export const batchSizeOf = (bytesMax: number): BatchSize => ({ cut: bytesMax, most: bytesMax });

/**
 * The sizes to try after a refused batch. Either the batch was too large in sum, or its largest command was
 * too large by itself.
 */
export const smallerThan = ({ cut, most }: BatchSize, refused: number): BatchSize => ({
  cut: Math.min(cut, Math.floor(refused / 2)),
  most: Math.min(most, refused - 1),
});

/**
 * The room of one append. While an upper bound of the records fits, nothing is measured. After that, records
 * are encoded and measured.
 */
export class BatchRoom {
  readonly #size: BatchSize;
  #bytes = ENVELOPE_BYTES_MAX;
  readonly #taken: LogRecord[] = [];
  #texts: string[] | undefined;
  /** Set once a command did not fit. That command and all later ones wait for the next batch. */
  isFull = false;

  constructor(size: BatchSize) {
    this.#size = size;
  }

  /** The accepted records as encoded text; `undefined` if nothing had to be measured. */
  get texts(): readonly string[] | undefined {
    return this.#texts;
  }

  /** Accepts all records of one command or none. If none, returns the answer for its sender. */
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
      const message = `this takes ${bytes} bytes in the log, and a batch holds at most ${bytesMax}: send less at once`;
      return { code: "FRAME_TOO_LARGE", message };
    }
    this.isFull = texts.length > 0 && this.#bytes + bytes > this.#size.cut;
    if (this.isFull) return "later";
    this.#bytes += bytes;
    for (const { text } of encoded) texts.push(text);
    return undefined;
  }
}
