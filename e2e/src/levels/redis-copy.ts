import { Redis } from "ioredis";

/** A key in Redis, with its values and its time to live in milliseconds; -1 means no expiry. */
export interface StoredKey {
  readonly key: string;
  readonly type: string;
  /**
   * A string; fields and values of a hash; members of a set; members and scores of a sorted set; or a list.
   */
  readonly values: readonly string[];
  readonly endsInMs: number;
}

export interface StoredRedis {
  /** The run id of the server. Only the key of the data's name contains it. */
  readonly runId: string;
  readonly keys: readonly StoredKey[];
}

const READ: Readonly<Record<string, readonly [string, ...(string | number)[]]>> = {
  string: ["GET"],
  hash: ["HGETALL"],
  set: ["SMEMBERS"],
  list: ["LRANGE", 0, -1],
  zset: ["ZRANGE", 0, -1, "WITHSCORES"],
};

/** The older protocol returns a hash as one flat list. */
const RESP2 = { protocol: 2 } as const;

async function withRedis<T>(url: string, act: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, RESP2);
  try {
    return await act(redis);
  } finally {
    redis.disconnect();
  }
}

const runIdOf = async (redis: Redis): Promise<string> =>
  /run_id:(\w+)/.exec(await redis.info("server"))?.[1] ?? "";

/** Copies everything in a Redis. Throws if a value is not text. */
export async function copyRedis(url: string): Promise<StoredRedis> {
  return withRedis(url, async (redis) => {
    const keys: StoredKey[] = [];
    for (const key of (await redis.keys("*")).sort()) {
      const type = await redis.type(key);
      const [command, ...args] = READ[type] ?? [];
      if (command === undefined) throw new Error(`${key} is a ${type}`);
      const endsInMs = await redis.pttl(key);
      const reply = (await redis.callBuffer(command, key, ...args)) as Buffer | readonly Buffer[] | null;
      if (reply === null) continue; // The key expired meanwhile.
      const values = (Array.isArray(reply) ? (reply as readonly Buffer[]) : [reply as Buffer]).map(
        (value) => {
          const text = value.toString("utf8");
          if (!Buffer.from(text, "utf8").equals(value))
            throw new Error(`${key} holds bytes that are no text`);
          return text;
        },
      );
      keys.push({ key, type, values, endsInMs });
    }
    return { runId: await runIdOf(redis), keys };
  });
}

const WRITE: Readonly<Record<string, string>> = {
  string: "SET",
  hash: "HSET",
  set: "SADD",
  list: "RPUSH",
  zset: "ZADD",
};

/** Restores everything as if the server had never stopped: the data's name is stored under the new run id. */
export async function restoreRedis(url: string, { runId, keys }: StoredRedis): Promise<void> {
  await withRedis(url, async (redis) => {
    const ours = await runIdOf(redis);
    for (const { key: old, type, values, endsInMs } of keys) {
      const key = old.replaceAll(runId, ours);
      const flat = type === "zset" ? scoresFirst(values) : values;
      await redis.call(WRITE[type] ?? "", key, ...flat);
      if (endsInMs >= 0) await redis.pexpire(key, Math.max(1, endsInMs));
    }
  });
}

const scoresFirst = (values: readonly string[]): readonly string[] =>
  values.flatMap((member, at) => (at % 2 === 0 ? [values[at + 1] ?? "", member] : []));
