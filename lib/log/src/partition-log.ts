import { JetStreamApiError } from "@nats-io/jetstream";
import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import { TimeoutError } from "@nats-io/transport-node";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { Batch } from "@jichat/protocol/log/record.ts";
import { decodeBatch } from "@jichat/protocol/log/encode-batch.ts";
import { WRONG_LAST_SEQUENCE } from "@jichat/runtime/conflict.ts";
import { silentCopies } from "./copies.ts";
import { finalErrorOf } from "@jichat/runtime/final-errors.ts";
import { Hearing } from "@jichat/runtime/hearing.ts";
import { limited } from "@jichat/runtime/limited.ts";
import { RetransmissionTimeout } from "@jichat/runtime/retransmission-timeout.ts";
import { readStream } from "@jichat/runtime/stream-reader.ts";
import type { Source } from "@jichat/runtime/stream-reader.ts";

/** One batch and its position in the log. */
export interface Positioned {
  readonly position: number;
  readonly batch: Batch;
}

export interface LogState {
  /** First and last position that the stream holds. */
  readonly first: number;
  readonly end: number;
  readonly bytes: number;
  readonly bytesMax: number;
  /** Names of servers whose copies do not keep up. */
  readonly behind: readonly string[];
}

/**
 * The log's answer to an append. If the outcome is unknown (a time-out, a lost connection), an error is
 * thrown instead.
 */
export type AppendResult =
  | { readonly outcome: "stored"; readonly position: number }
  | { readonly outcome: "sequence" }
  | { readonly outcome: "full" }
  /** The log refuses these bytes, now and always. */
  | { readonly outcome: "refused"; readonly error: ChatError };

const SEQUENCE_IN_FLIGHT = 10_164;
const MAXIMUM_BYTES = 10_077;
const STORE_FULL = 10_023;
const NO_MESSAGE = 10_037;
/** Short, since a dead leader never answers: the next leader is asked soon. */
const ASK_MS = 2_000;
/** The limit of silence for a reader of a range, who waits for its end. After that it gets an error. */
const RANGE_SILENT_MAX_MS = 8_000;

interface LogReading {
  readonly reached: number;
  readonly signal: AbortSignal;
  readonly hearing: Hearing;
  readonly patience: Pick<Source, "giveUpMs">;
}

/** One partition's stream: fenced appends, and reads by position. */
export class PartitionLog {
  readonly #js: JetStreamClient;
  readonly #jsm: JetStreamManager;
  readonly #stream: string;
  readonly #subject: string;
  /** An append is lost if the stream's leader steps down or ends before it is stored. */
  readonly #timeout = new RetransmissionTimeout();
  /** The position after which an append got no answer. The next one there is its repetition. */
  #unanswered: number | undefined;

  constructor(jsm: JetStreamManager, names: Names, partition: number) {
    this.#js = jsm.jetstream();
    this.#jsm = jsm;
    this.#stream = names.logStream(partition);
    this.#subject = names.logSubject(partition);
  }

  /**
   * Appends directly after position `expected`, or returns the refusal. Throws if it is unknown whether the
   * log took the bytes.
   */
  async append(bytes: Uint8Array, expected: number): Promise<AppendResult> {
    const isRepetition = this.#unanswered === expected;
    const began = systemClock.monotonic();
    try {
      const ack = await this.#js.publish(this.#subject, bytes, {
        expect: { lastSequence: expected },
        timeout: this.#timeout.ms,
        retries: 0,
      });
      if (!isRepetition) this.#timeout.answered(systemClock.monotonic() - began);
      return { outcome: "stored", position: ack.seq };
    } catch (error) {
      if (error instanceof TimeoutError) {
        this.#timeout.passed();
        this.#unanswered = expected;
      }
      const final = finalErrorOf(error);
      if (final !== undefined) return { outcome: "refused", error: final };
      if (!(error instanceof JetStreamApiError)) throw error;
      if (error.code === WRONG_LAST_SEQUENCE || error.code === SEQUENCE_IN_FLIGHT)
        return { outcome: "sequence" };
      if (error.code === MAXIMUM_BYTES || error.code === STORE_FULL) return { outcome: "full" };
      throw error;
    }
  }

  /** The state as the stream's leader reports it. */
  async state(): Promise<LogState> {
    const info = this.#jsm.streams.info(this.#stream);
    const { state, config, cluster } = await limited(`asking for ${this.#stream}`, ASK_MS, info);
    return {
      first: state.first_seq,
      end: state.last_seq,
      bytes: state.bytes,
      bytesMax: config.max_bytes,
      behind: silentCopies({ cluster }),
    };
  }

  async first(): Promise<number> {
    return (await this.state()).first;
  }

  async end(): Promise<number> {
    return (await this.state()).end;
  }

  /** The batch at a position, read from the leader; `undefined` if it was trimmed or never existed. */
  async at(position: number): Promise<Batch | undefined> {
    try {
      const asked = this.#jsm.streams.getMessage(this.#stream, { seq: position });
      const message = await limited(`asking ${this.#stream} for ${position}`, ASK_MS, asked);
      return message === null ? undefined : decodeBatch(message.data);
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === NO_MESSAGE) return undefined;
      throw error;
    }
  }

  /**
   * Batches from `from` on, in order, without end. Throws UNAVAILABLE if the first one is not at `from`
   * itself, since a reader that starts after a trim would have a hole. Throws UNAVAILABLE too if the log ends
   * before a position that was read. Ends when the signal aborts.
   */
  follow(from: number, signal: AbortSignal, hearing = new Hearing()): AsyncGenerator<Positioned> {
    return this.#read(from, { reached: from - 1, signal, hearing, patience: {} });
  }

  /** The batches of [from, to], both included. `to` must be in the log. Throws UNAVAILABLE like `follow`. */
  async *range(from: number, to: number): AsyncGenerator<Positioned> {
    if (from > to) return;
    const stop = new AbortController();
    try {
      const patience = { giveUpMs: RANGE_SILENT_MAX_MS };
      for await (const positioned of this.#read(from, {
        reached: to,
        signal: stop.signal,
        hearing: new Hearing(),
        patience,
      })) {
        yield positioned;
        if (positioned.position >= to) return;
      }
    } finally {
      stop.abort();
    }
  }

  async *#read(from: number, { reached, signal, hearing, patience }: LogReading): AsyncGenerator<Positioned> {
    let expected = from;
    const source: Source = {
      ...patience,
      stream: this.#stream,
      goOn: (next, end) => {
        const seen = Math.max(reached, expected - 1);
        if (end >= seen) return next;
        throw new ChatError(
          "UNAVAILABLE",
          `${this.#stream} ends at ${end}, but position ${seen} was read from it`,
        );
      },
    };
    for await (const { message } of readStream(this.#jsm, { source, from, hearing, signal })) {
      if (message === undefined) continue;
      if (message.seq !== expected) {
        throw new ChatError(
          "UNAVAILABLE",
          `${this.#stream} returned position ${message.seq} instead of ${expected}`,
        );
      }
      expected += 1;
      yield { position: message.seq, batch: decodeBatch(message.data) };
    }
  }

  /**
   * Empties the log and continues it after `position`, which must be above every position that it ever held.
   * Throws if the log does not end up there.
   */
  async restartAbove(position: number): Promise<void> {
    await this.#jsm.streams.purge(this.#stream, { seq: position + 1 });
    const { first, end } = await this.state();
    if (end === position && first === position + 1) return;
    throw new Error(`${this.#stream} holds ${first} to ${end}, and does not continue after ${position}`);
  }

  /** Deletes every batch below `position`. */
  async trim(position: number): Promise<void> {
    await this.#jsm.streams.purge(this.#stream, { seq: position });
  }
}
