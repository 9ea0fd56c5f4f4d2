import { Redis } from "ioredis";
import type { Logger } from "pino";
import type { BackendTls } from "@jichat/runtime/tls-material.ts";

/** One connection to Redis; whoever made it ends it with `disconnect`. */
export type RedisConnection = Redis;

export interface RedisOptions {
  readonly log: Logger;
  readonly tls?: BackendTls | undefined;
  /**
   * Commands of one turn of the event loop leave in one write: for a connector, to which a crowd may come at
   * once.
   */
  readonly isGathered?: boolean;
}

/** Connects in the background: Redis may come later, and may go at any moment. */
export function connectRedis(url: string, { log, tls, isGathered = false }: RedisOptions): RedisConnection {
  const redis = new Redis(url, {
    ...(tls === undefined ? {} : { tls }),
    enableAutoPipelining: isGathered,
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 2_000,
    connectTimeout: 2_000,
    // A host that is gone says no goodbye, and TCP would ask it for a quarter of an hour.
    socketTimeout: 5_000,
    retryStrategy: (tries) => Math.min(50 * tries, 500) + Math.random() * 50,
    enableReadyCheck: true,
  });
  redis.on("error", (error: Error) => {
    log.warn({ err: error.message }, "Redis connection");
  });
  redis.connect().catch((error: unknown) => {
    log.warn({ err: error }, "Redis is not there yet");
  });
  return redis;
}
