import { decodeBatch } from "@jichat/protocol/log/encode-batch.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { Batch } from "@jichat/protocol/log/record.ts";
import type { Log } from "@jichat/router/ports.ts";
import type { Guards } from "./guards.ts";
import type { Machine } from "./world.ts";

/** So small that the batch after an outage exceeds one append, and so do a few heavy bodies. */
export const LOG_BYTES_AT_ONCE = 4_000;

/** A partition's stream. It keeps what it accepted, in that order, until it is trimmed. */
export class LogModel {
  /** Position 1 is `batches[0]`. A trimmed batch stays here for the judge, but readers do not get it. */
  readonly batches: Batch[] = [];
  trimmedTo = 0;
  readonly #guards: Guards;
  readonly #bytesMax: number;

  /** `bytesMax` is the limit of one append. */
  constructor(guards: Guards, bytesMax: number) {
    this.#guards = guards;
    this.#bytesMax = bytesMax;
  }

  get end(): number {
    return this.batches.length;
  }

  /** The last seq of each conversation. */
  get headSeqs(): ReadonlyMap<string, number> {
    const heads = new Map<string, number>();
    for (const { records } of this.batches)
      for (const record of records) if (record.r === "event") heads.set(record.conversation, record.seq);
    return heads;
  }

  /** The batch that a reader gets; undefined if it is trimmed or not there. */
  at(position: number): Batch | undefined {
    return position <= this.trimmedTo ? undefined : this.batches[position - 1];
  }

  take(
    bytes: Uint8Array,
    expected: number,
  ):
    | { outcome: "stored"; position: number }
    | { outcome: "sequence" }
    | { outcome: "refused"; error: ChatError } {
    if (bytes.length > this.#bytesMax)
      return { outcome: "refused", error: new ChatError("FRAME_TOO_LARGE", "too large for this log") };
    if (this.#guards.fence && expected !== this.end) return { outcome: "sequence" };
    this.batches.push(decodeBatch(bytes));
    return { outcome: "stored", position: this.end };
  }

  /** The log as one machine reaches it: requests and answers may be slow, lost, or repeated. */
  from(machine: Machine): Log {
    const { dice, time } = machine;
    return {
      append: async (bytes, expected) => {
        await machine.alive();
        const { promise, resolve, reject } = Promise.withResolvers<ReturnType<LogModel["take"]>>();
        const arrive = async (answers: boolean): Promise<void> => {
          await machine.hop();
          const result = this.take(bytes, expected);
          await machine.hop();
          if (answers) resolve(result);
        };
        if (!dice.mishap(0.02)) void arrive(!dice.mishap(0.05));
        // The same bytes arrive again, late.
        if (dice.mishap(0.02)) time.after(dice.between(0, 3_000), () => void arrive(false));
        time.after(2_000, () => {
          reject(new Error("no answer to an append"));
        });
        const result = await promise;
        await machine.alive();
        if (result.outcome === "refused" && !this.#guards.sizes) throw result.error;
        return result;
      },
      first: async () => this.#read(machine, () => this.trimmedTo + 1),
      end: async () => this.#read(machine, () => this.end),
      at: async (position) => this.#read(machine, () => this.at(position)),
      range: (from, to) => this.#range(machine, from, to),
    };
  }

  async #read<T>(machine: Machine, read: () => T): Promise<T> {
    await machine.alive();
    await machine.hop();
    if (machine.dice.mishap(0.01)) throw new Error("a read was lost");
    const result = read();
    await machine.hop();
    await machine.alive();
    return result;
  }

  async *#range(
    machine: Machine,
    from: number,
    to: number,
  ): AsyncGenerator<{ position: number; batch: Batch }> {
    for (let position = from; position <= to; position += 1) {
      const batch =
        position % 8 === from % 8 ? await this.#read(machine, () => this.at(position)) : this.at(position);
      if (batch === undefined) throw new Error(`position ${position} is not in the log`);
      yield { position, batch };
    }
  }
}
