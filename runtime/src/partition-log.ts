import { JetStreamApiError } from "@nats-io/jetstream";
import type { ConsumerMessages, JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { Batch } from "@jichat/protocol/log/record.ts";
import { decodeInner } from "@jichat/protocol/bus/wire.ts";
import { finalErrorOf } from "./final-errors.ts";

/** One batch where it stands in the log. */
export interface Positioned {
  readonly position: number;
  readonly batch: Batch;
}

export interface LogState {
  /** First and last position held. */
  readonly first: number;
  readonly end: number;
  readonly bytes: number;
  readonly bytesMax: number;
  /** Servers whose copies are not up to date. */
  readonly behind: readonly string[];
}

/** What the log said to an append. `unknown` answers (time-outs, lost connections) are thrown instead. */
export type AppendResult =
  | { readonly outcome: "stored"; readonly position: number }
  | { readonly outcome: "sequence" }
  | { readonly outcome: "full" }
  /** It did not take these bytes, and never will. */
  | { readonly outcome: "refused"; readonly error: ChatError };

const WRONG_LAST_SEQUENCE = 10_071;
const SEQUENCE_IN_FLIGHT = 10_164;
const MAXIMUM_BYTES = 10_077;
const STORE_FULL = 10_023;
const NO_MESSAGE = 10_037;
const APPEND_TIMEOUT_MS = 2_000;

export const decodeBatch = (bytes: Uint8Array): Batch => decodeInner<Batch>(bytes, "a batch of the log");

/** One partition's stream: fenced appends, reads by position. */
export class PartitionLog {
  readonly #js: JetStreamClient;
  readonly #jsm: JetStreamManager;
  readonly #stream: string;
  readonly #subject: string;

  constructor(jsm: JetStreamManager, names: Names, partition: number) {
    this.#js = jsm.jetstream();
    this.#jsm = jsm;
    this.#stream = names.logStream(partition);
    this.#subject = names.logSubject(partition);
  }

  /** Appends behind `expected`, or is refused. Throws when it cannot be known whether the log took it. */
  async append(bytes: Uint8Array, expected: number): Promise<AppendResult> {
    try {
      const ack = await this.#js.publish(this.#subject, bytes, {
        expect: { lastSequence: expected },
        timeout: APPEND_TIMEOUT_MS,
        retries: 0,
      });
      return { outcome: "stored", position: ack.seq };
    } catch (error) {
      const final = finalErrorOf(error);
      if (final !== undefined) return { outcome: "refused", error: final };
      if (!(error instanceof JetStreamApiError)) throw error;
      if (error.code === WRONG_LAST_SEQUENCE || error.code === SEQUENCE_IN_FLIGHT)
        return { outcome: "sequence" };
      if (error.code === MAXIMUM_BYTES || error.code === STORE_FULL) return { outcome: "full" };
      throw error;
    }
  }

  /** As the stream's leader has it. */
  async state(): Promise<LogState> {
    const { state, config, cluster } = await this.#jsm.streams.info(this.#stream);
    const behind = (cluster?.replicas ?? []).filter(({ current, offline }) => !current || offline);
    return {
      first: state.first_seq,
      end: state.last_seq,
      bytes: state.bytes,
      bytesMax: config.max_bytes,
      behind: behind.map(({ name }) => name),
    };
  }

  async first(): Promise<number> {
    return (await this.state()).first;
  }

  async end(): Promise<number> {
    return (await this.state()).end;
  }

  /** The batch that stands at a position, from the leader; undefined where it was trimmed or never was. */
  async at(position: number): Promise<Batch | undefined> {
    try {
      const message = await this.#jsm.streams.getMessage(this.#stream, { seq: position });
      return message === null ? undefined : decodeBatch(message.data);
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === NO_MESSAGE) return undefined;
      throw error;
    }
  }

  /**
   * Batches from `from` on, in order, without end; the first is `from` itself or UNAVAILABLE is thrown,
   * since a reader that starts behind a trim would have a hole. Ends when the signal aborts.
   */
  async *follow(from: number, signal: AbortSignal): AsyncGenerator<Positioned> {
    const messages = await this.#consume(from);
    const stop = (): void => {
      messages.stop();
    };
    signal.addEventListener("abort", stop, { once: true });
    let expected = from;
    try {
      for await (const message of messages) {
        if (signal.aborted) return;
        if (message.seq !== expected) {
          throw new ChatError(
            "UNAVAILABLE",
            `${this.#stream} gave position ${message.seq} where ${expected} was asked for`,
          );
        }
        expected += 1;
        yield { position: message.seq, batch: decodeBatch(message.data) };
      }
    } finally {
      signal.removeEventListener("abort", stop);
      stop();
    }
  }

  /** The batches of [from, to]; `to` must be in the log. */
  async *range(from: number, to: number): AsyncGenerator<Positioned> {
    if (from > to) return;
    const stop = new AbortController();
    try {
      for await (const positioned of this.follow(from, stop.signal)) {
        yield positioned;
        if (positioned.position >= to) return;
      }
    } finally {
      stop.abort();
    }
  }

  async #consume(from: number): Promise<ConsumerMessages> {
    const consumer = await this.#js.consumers.get(this.#stream, {
      opt_start_seq: from,
      inactive_threshold: 30_000,
    });
    return consumer.consume({ max_bytes: 4_194_304, expires: 5_000, idle_heartbeat: 1_000 });
  }

  /** Empties the log and lets it go on behind `position`, which lies above all that it ever held. */
  async restartAbove(position: number): Promise<void> {
    await this.#jsm.streams.purge(this.#stream, { seq: position + 1 });
    const { first, end } = await this.state();
    if (end === position && first === position + 1) return;
    throw new Error(`${this.#stream} stands at ${first} to ${end}, not behind ${position}`);
  }

  /** Takes away everything below `position`. */
  async trim(position: number): Promise<void> {
    await this.#jsm.streams.purge(this.#stream, { seq: position });
  }
}
