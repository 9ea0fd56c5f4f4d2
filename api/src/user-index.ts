import type { Accounts } from "@jichat/identity/accounts.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { RedisConnection } from "@jichat/presence/redis.ts";
import type { RedisData } from "@jichat/presence/redis-data.ts";

const REBUILD_BATCH = 1_000;

type IndexStore = Pick<RedisConnection, "exists" | "zrangebylex" | "zadd" | "zrem" | "set">;

/**
 * Finds users by a prefix of their id, in any case. The index is in Redis, and is rebuilt from KV after a
 * loss.
 */
export class UserIndex {
  readonly #redis: IndexStore;
  readonly #data: Pick<RedisData, "name" | "prefix">;
  readonly #accounts: Pick<Accounts, "users">;
  #rebuilding: Promise<void> | undefined;

  constructor(
    redis: IndexStore,
    data: Pick<RedisData, "name" | "prefix">,
    accounts: Pick<Accounts, "users">,
  ) {
    this.#redis = redis;
    this.#data = data;
    this.#accounts = accounts;
  }

  /**
   * At most `limit` users whose id begins with `start`, after the user `after`. Throws UNAVAILABLE if Redis
   * does not answer.
   */
  async find(start: string, after: string | undefined, limit: number): Promise<string[]> {
    try {
      const redis = this.#redis;
      const { prefix } = this.#data;
      if ((await redis.exists(`${prefix}users-whole`)) === 0) await this.#rebuild();
      const from = after === undefined ? `[${start.toLowerCase()}` : `(${member(after)}`;
      const found = await redis.zrangebylex(
        `${prefix}users`,
        from,
        `[${start.toLowerCase()}\u{7f}`,
        "LIMIT",
        0,
        limit,
      );
      return found.map((entry) => entry.slice(entry.indexOf(" ") + 1));
    } catch (cause) {
      if (cause instanceof ChatError) throw cause;
      throw new ChatError("UNAVAILABLE", "users cannot be searched at the moment", {
        cause,
        retryAfterMs: 1_000,
      });
    }
  }

  /** Adds a new user. Best effort: KV is the truth, and a lost index is rebuilt from it. */
  async add(user: string): Promise<void> {
    if (this.#data.name === "") return;
    await this.#redis.zadd(`${this.#data.prefix}users`, 0, member(user));
  }

  /** Removes a deleted user. Best effort: what is found is looked up in KV before it is told. */
  async remove(user: string): Promise<void> {
    if (this.#data.name === "") return;
    await this.#redis.zrem(`${this.#data.prefix}users`, member(user));
  }

  async #rebuild(): Promise<void> {
    this.#rebuilding ??= this.#readAll().finally(() => {
      this.#rebuilding = undefined;
    });
    return this.#rebuilding;
  }

  async #readAll(): Promise<void> {
    const redis = this.#redis;
    const { prefix } = this.#data;
    let batch: string[] = [];
    const flush = async (): Promise<void> => {
      if (batch.length > 0) await redis.zadd(`${prefix}users`, ...batch.flatMap((user) => [0, member(user)]));
      batch = [];
    };
    for await (const user of this.#accounts.users()) {
      batch.push(user);
      if (batch.length >= REBUILD_BATCH) await flush();
    }
    await flush();
    await redis.set(`${prefix}users-whole`, "1");
  }
}

/**
 * An index entry: the lower-case id for sorting, then the id itself. A space sorts before every character of
 * an id.
 */
const member = (user: string): string => `${user.toLowerCase()} ${user}`;
