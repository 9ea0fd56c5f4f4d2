import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { Bucket } from "@jichat/runtime/bucket.ts";
import { isConflict } from "@jichat/runtime/conflict.ts";
import type { KeptEntry, Later, LaterEntry } from "./ports.ts";
import { laterOf } from "./told.ts";

interface LaterText extends LaterEntry {
  readonly v: 1;
}

/** Pushes that wait until their provider is up, in KV: the latest of each place, and their number. */
export class LaterBucket implements Later {
  readonly #bucket: Bucket;
  readonly #jsm: JetStreamManager;
  readonly #stream: string;

  private constructor(bucket: Bucket, jsm: JetStreamManager, stream: string) {
    this.#bucket = bucket;
    this.#jsm = jsm;
    this.#stream = stream;
  }

  static async open(nats: NatsConnection, jsm: JetStreamManager, names: Names): Promise<LaterBucket> {
    return new LaterBucket(await Bucket.open(nats, names.pushLater), jsm, `KV_${names.pushLater}`);
  }

  async keep(key: string, entry: LaterEntry): Promise<void> {
    for (;;) {
      const found = await this.#bucket.kv.get(key);
      const known = found?.operation === "PUT" ? textOf(found.string()) : undefined;
      try {
        if (found === null) await this.#bucket.kv.create(key, JSON.stringify(later(entry)));
        else await this.#bucket.kv.update(key, JSON.stringify(folded(known, entry)), found.revision);
        return;
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
    }
  }

  async *entries(partition: number): AsyncGenerator<KeptEntry> {
    for await (const found of this.#bucket.entries(`${partition}.*`))
      yield { key: found.key, revision: found.revision, entry: textOf(found.string()) };
  }

  /** Erases it: a deletion in KV would leave a mark behind for each. */
  async remove({ revision }: Pick<KeptEntry, "revision">): Promise<void> {
    await this.#bucket.erase(revision);
  }

  async count(): Promise<number> {
    return (await this.#jsm.streams.info(this.#stream)).state.messages;
  }
}

const later = (entry: LaterEntry): LaterText => ({ v: 1, ...entry });

/** The later message of the two stands for both. */
function folded(known: LaterEntry | undefined, entry: LaterEntry): LaterText {
  if (known === undefined) return later(entry);
  const isLater = entry.message.seq >= known.message.seq;
  const [first, last] = isLater ? [known.message, entry.message] : [entry.message, known.message];
  const message = laterOf(entry.user, first, last);
  return later({ ...entry, message, count: known.count + entry.count });
}

function textOf(text: string): LaterEntry {
  const { v, ...entry } = JSON.parse(text) as LaterText;
  if (v !== 1) throw new Error(`a push that waits has version ${String(v)}; this build reads version 1`);
  return entry;
}
