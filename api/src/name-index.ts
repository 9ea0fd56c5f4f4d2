import type { Accounts } from "@jichat/identity/accounts.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { RedisConnection } from "@jichat/presence/redis.ts";
import type { RedisData } from "@jichat/presence/redis-data.ts";
import { entriesOf, rangeOf, userOfEntry } from "./name-entries.ts";

const REBUILD_BATCH = 500;
/** Entries that a search reads for each user that it returns: a user may have several that match. */
const ENTRIES_PER_USER = 4;

type IndexStore = Pick<RedisConnection, "exists" | "zrangebylex" | "zadd" | "zrem" | "set">;

/** Finds users by their display names. The index is in Redis, and is rebuilt from KV after a loss. */
export class NameIndex {
  readonly #redis: IndexStore;
  readonly #data: Pick<RedisData, "name" | "prefix">;
  readonly #accounts: Pick<Accounts, "names">;
  #rebuilding: Promise<void> | undefined;

  constructor(
    redis: IndexStore,
    data: Pick<RedisData, "name" | "prefix">,
    accounts: Pick<Accounts, "names">,
  ) {
    this.#redis = redis;
    this.#data = data;
    this.#accounts = accounts;
  }

  /**
   * At most `limit` users who have a word in their name that begins with `text`. Throws UNAVAILABLE if Redis
   * does not answer. Who has just been renamed may be among them.
   */
  async find(text: string, limit: number): Promise<string[]> {
    const [first, last] = rangeOf(text);
    if (first === "") return [];
    try {
      const redis = this.#redis;
      const { prefix } = this.#data;
      if ((await redis.exists(`${prefix}names-whole`)) === 0) await this.#rebuild();
      const count = limit * ENTRIES_PER_USER;
      const found = await redis.zrangebylex(`${prefix}names`, `[${first}`, `[${last}`, "LIMIT", 0, count);
      return [...new Set(found.map(userOfEntry))].slice(0, limit);
    } catch (cause) {
      if (cause instanceof ChatError) throw cause;
      throw new ChatError("UNAVAILABLE", "names cannot be searched just now", { cause, retryAfterMs: 1_000 });
    }
  }

  /** A user has a new name. Best effort: KV is the truth, and a lost index is rebuilt from it. */
  async rename(user: string, before: string | undefined, name: string): Promise<void> {
    if (this.#data.name === "") return;
    const key = `${this.#data.prefix}names`;
    const entries = entriesOf(user, name);
    const old = entriesOf(user, before ?? "").filter((entry) => !entries.includes(entry));
    if (old.length > 0) await this.#redis.zrem(key, ...old);
    await this.#add(key, entries);
  }

  /** A user's account is deleted. */
  async remove(user: string, name: string): Promise<void> {
    const entries = entriesOf(user, name);
    if (this.#data.name !== "" && entries.length > 0)
      await this.#redis.zrem(`${this.#data.prefix}names`, ...entries);
  }

  async #add(key: string, entries: readonly string[]): Promise<void> {
    if (entries.length > 0) await this.#redis.zadd(key, ...entries.flatMap((entry) => [0, entry]));
  }

  async #rebuild(): Promise<void> {
    this.#rebuilding ??= this.#readAll().finally(() => {
      this.#rebuilding = undefined;
    });
    return this.#rebuilding;
  }

  async #readAll(): Promise<void> {
    const { prefix } = this.#data;
    let batch: string[] = [];
    for await (const { user, name } of this.#accounts.names()) {
      batch.push(...entriesOf(user, name));
      if (batch.length < REBUILD_BATCH) continue;
      await this.#add(`${prefix}names`, batch);
      batch = [];
    }
    await this.#add(`${prefix}names`, batch);
    await this.#redis.set(`${prefix}names-whole`, "1");
  }
}
