import { JetStreamApiError, jetstream } from "@nats-io/jetstream";
import type { JetStreamManager, JsMsg } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { Hearing } from "./hearing.ts";
import { readStream } from "./stream-reader.ts";
import type { Source, Start } from "./stream-reader.ts";

const TIMEOUT_MS = 5_000;
/** JetStream's error codes for a message that is not there, or is not there any more. */
const GONE: ReadonlySet<number> = new Set([10_037, 10_043, 10_057]);
/** The limit of silence for a listing of keys, since its caller waits for the end. */
const LIST_SILENT_MAX_MS = 8_000;

/** An update of one key. */
export interface BucketEntry {
  readonly key: string;
  readonly operation: "PUT" | "DEL" | "PURGE";
  readonly revision: number;
  /** Number of updates that still follow. */
  readonly pending: number;
  string(): string;
}

/**
 * A key-value bucket. Single keys use the library's `kv`. Watches and listings read the stream by
 * `readStream`, like a log: the library's own watch asks a dead server for ever and reports nothing.
 */
export class Bucket {
  readonly kv: KV;
  readonly #jsm: JetStreamManager;
  readonly #name: string;

  private constructor(kv: KV, jsm: JetStreamManager, name: string) {
    this.kv = kv;
    this.#jsm = jsm;
    this.#name = name;
  }

  /** Opens a bucket that `provision` made. Each request to it has the limit `timeoutMs`. */
  static async open(nats: NatsConnection, name: string, timeoutMs = TIMEOUT_MS): Promise<Bucket> {
    const js = jetstream(nats, { timeout: timeoutMs });
    return new Bucket(await new Kvm(js).open(name), await js.jetstreamManager(false), name);
  }

  /**
   * Calls `act` with the latest update of each key that matches `filter`, and with each later update, until
   * the signal aborts. Resolves once all existing keys were passed: a caller that acts on half of them would
   * take what belongs to others.
   */
  async watch(
    filter: string,
    act: (entry: BucketEntry) => void,
    hearing: Hearing,
    signal: AbortSignal,
  ): Promise<void> {
    const known = Promise.withResolvers<void>();
    const run = async (): Promise<void> => {
      for await (const { entry, pending } of this.#entries({ filter }, "latest", hearing, signal)) {
        if (entry !== undefined) act(entry);
        if (pending === 0) known.resolve();
      }
    };
    run().then(known.resolve, (error: unknown) => {
      hearing.lost(error); // The connection is closed: the watch has ended.
      known.reject(error);
    });
    return known.promise;
  }

  /**
   * Every update after `revision`, without end. If the bucket was restored to an earlier state, it is read
   * from the start again.
   */
  async *follow(revision: number, hearing: Hearing, signal: AbortSignal): AsyncGenerator<BucketEntry> {
    const from = revision > 0 ? revision + 1 : "latest";
    for await (const { entry } of this.#entries({}, from, hearing, signal))
      if (entry !== undefined) yield entry;
  }

  /**
   * Removes one revision for good: nothing of its key is left, and nobody who watches is told. Returns false
   * if the key has a newer value, or none.
   */
  async erase(revision: number): Promise<boolean> {
    try {
      return await this.#jsm.streams.deleteMessage(`KV_${this.#name}`, revision, false);
    } catch (error) {
      if (error instanceof JetStreamApiError && GONE.has(error.code)) return false;
      throw error;
    }
  }

  /** The keys that match `filter` and have a value now. Throws UNAVAILABLE if the bucket goes silent. */
  async *keys(filter: string): AsyncGenerator<string> {
    for await (const { key } of this.#present({ filter, headersOnly: true })) yield key;
  }

  /** The present entries whose keys match `filter`. Throws UNAVAILABLE if the bucket goes silent. */
  async *entries(filter: string): AsyncGenerator<BucketEntry> {
    yield* this.#present({ filter });
  }

  async *#present(what: {
    readonly filter: string;
    readonly headersOnly?: boolean;
  }): AsyncGenerator<BucketEntry> {
    const stop = new AbortController();
    const options = { ...what, giveUpMs: LIST_SILENT_MAX_MS };
    try {
      for await (const { entry, pending } of this.#entries(options, "latest", new Hearing(), stop.signal)) {
        if (entry?.operation === "PUT") yield entry;
        if (pending === 0) return;
      }
    } finally {
      stop.abort(new Error("all entries are told"));
    }
  }

  async *#entries(
    { filter = ">", ...options }: Partial<Omit<Source, "stream" | "goOn">>,
    from: Start,
    hearing: Hearing,
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly entry: BucketEntry | undefined; readonly pending: number }> {
    const prefix = `$KV.${this.#name}.`;
    const source: Source = {
      ...options,
      stream: `KV_${this.#name}`,
      filter: `${prefix}${filter}`,
      goOn: (next, end) => (next !== "latest" && next > end + 1 ? "latest" : next),
    };
    for await (const { message, pending } of readStream(this.#jsm, { source, from, hearing, signal }))
      yield { entry: message && entryOf(message, prefix.length, pending), pending };
  }
}

function entryOf(message: JsMsg, prefixLength: number, pending: number): BucketEntry {
  const operation = message.headers?.get("KV-Operation");
  return {
    key: message.subject.slice(prefixLength),
    operation: operation === "DEL" || operation === "PURGE" ? operation : "PUT",
    revision: message.seq,
    pending,
    string: () => message.string(),
  };
}
