import type { Logger } from "pino";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { HeadEntry } from "@jichat/protocol/bus/query.ts";
import { Presence } from "@jichat/presence/presence.ts";
import { RedisData } from "@jichat/presence/redis-data.ts";
import { connectRedis } from "@jichat/presence/redis.ts";
import type { Config } from "./config.ts";

const REDIS_WAIT_MS = 5_000;

/** All whole heads in Redis. Yields nothing if no Redis is configured. */
export async function* redisHeads(
  { redisUrl, redisTls }: Pick<Config, "redisUrl" | "redisTls">,
  names: Names,
  log: Logger,
): AsyncGenerator<HeadEntry> {
  if (redisUrl === undefined) return;
  const redis = connectRedis(redisUrl, { log, tls: redisTls });
  try {
    const presence = new Presence({ redis, data: new RedisData(redis, names, log) });
    await presence.untilReady(REDIS_WAIT_MS);
    yield* presence.allHeads();
  } finally {
    redis.disconnect();
  }
}
