import type { NatsConnection } from "@nats-io/transport-node";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { Bucket } from "@jichat/runtime/bucket.ts";
import { isConflict } from "@jichat/runtime/conflict.ts";

/** Prefix of the keys, in the bucket of accounts. */
const PREFIX = "d.";

/** A deletion that somebody began. */
export interface BegunDeletion {
  readonly user: string;
  /** Milliseconds since 1970, by the clock of NATS. */
  readonly begunAt: number;
  /** For `close`, which does nothing if the deletion was begun again since. */
  readonly revision: number;
}

/**
 * The deletions of accounts that are not finished: a note for each, written before the account is touched and
 * removed behind the last step. A process that finds a note finishes what another one left.
 */
export class Deletions {
  readonly #bucket: Bucket;

  private constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  static async open(nats: NatsConnection, names: Names): Promise<Deletions> {
    return new Deletions(await Bucket.open(nats, names.accounts));
  }

  /** Writes the note. Throws UNAVAILABLE if the KV does not answer. */
  async begin(user: string): Promise<void> {
    try {
      await this.#bucket.kv.put(PREFIX + user, "");
    } catch (cause) {
      throw new ChatError("UNAVAILABLE", "accounts are not reachable", { cause, retryAfterMs: 1_000 });
    }
  }

  /** All that were begun and not closed. */
  async *begun(): AsyncGenerator<BegunDeletion> {
    for await (const key of this.#bucket.keys(`${PREFIX}*`)) {
      const entry = await this.#bucket.kv.get(key);
      if (entry === null || entry.operation !== "PUT") continue;
      yield { user: key.slice(PREFIX.length), begunAt: entry.created.getTime(), revision: entry.revision };
    }
  }

  /** Removes the note. Does nothing if the deletion was begun again since. */
  async close({ user, revision }: BegunDeletion): Promise<void> {
    try {
      await this.#bucket.kv.delete(PREFIX + user, { previousSeq: revision });
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  }
}
