import { ChatError } from "@jichat/protocol/errors.ts";
import type { RedisConnection } from "@jichat/presence/redis.ts";
import type { RedisData } from "@jichat/presence/redis-data.ts";

/** Entries that are written with one command while the index is rebuilt. */
const REBUILD_BATCH = 1_000;

export type IndexStore = Pick<RedisConnection, "exists" | "zrangebylex" | "zadd" | "zrem" | "set">;
export type IndexData = Pick<RedisData, "name" | "prefix">;

interface RebuiltIndexParts {
  readonly redis: IndexStore;
  readonly data: IndexData;
  /** Names the index among the keys of Redis, and in errors. */
  readonly what: string;
  /** All entries, read from the KV. */
  readonly entries: () => AsyncIterable<string>;
}

/** The key that says that all entries are there. */
const wholeOf = (key: string): string => `${key}-whole`;

/** Sorted texts in Redis. The KV is the truth: a search that finds the index incomplete rebuilds it. */
export class RebuiltIndex {
  readonly #parts: RebuiltIndexParts;
  #rebuilding: Promise<void> | undefined;

  constructor(parts: RebuiltIndexParts) {
    this.#parts = parts;
  }

  /**
   * At most `limit` entries in a range as ZRANGEBYLEX writes it. Throws UNAVAILABLE if Redis does not answer.
   */
  async range(first: string, last: string, limit: number): Promise<string[]> {
    const { redis, what } = this.#parts;
    const key = this.#key;
    try {
      if ((await redis.exists(wholeOf(key))) === 0) await this.#rebuild();
      return await redis.zrangebylex(key, first, last, "LIMIT", 0, limit);
    } catch (cause) {
      if (cause instanceof ChatError) throw cause;
      throw new ChatError("UNAVAILABLE", `${what} cannot be searched at the moment`, {
        cause,
        retryAfterMs: 1_000,
      });
    }
  }

  /** Best effort, as `remove`: does nothing while the name of Redis's data is not known. */
  async add(entries: readonly string[]): Promise<void> {
    if (this.#parts.data.name !== "") await this.#write(this.#key, entries);
  }

  async remove(entries: readonly string[]): Promise<void> {
    const { redis, data } = this.#parts;
    if (data.name !== "" && entries.length > 0) await redis.zrem(this.#key, ...entries);
  }

  /** Changes when Redis loses its data: whoever takes several steps keeps the key of the first one. */
  get #key(): string {
    return `${this.#parts.data.prefix}${this.#parts.what}`;
  }

  async #write(key: string, entries: readonly string[]): Promise<void> {
    if (entries.length > 0) await this.#parts.redis.zadd(key, ...entries.flatMap((entry) => [0, entry]));
  }

  async #rebuild(): Promise<void> {
    this.#rebuilding ??= this.#readAll().finally(() => {
      this.#rebuilding = undefined;
    });
    return this.#rebuilding;
  }

  async #readAll(): Promise<void> {
    const key = this.#key;
    let batch: string[] = [];
    for await (const entry of this.#parts.entries()) {
      batch.push(entry);
      if (batch.length < REBUILD_BATCH) continue;
      await this.#write(key, batch);
      batch = [];
    }
    await this.#write(key, batch);
    await this.#parts.redis.set(wholeOf(key), "1");
  }
}
