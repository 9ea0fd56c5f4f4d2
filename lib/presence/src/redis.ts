import { Redis } from "ioredis";
import type { Logger } from "pino";
import type { BackendTls } from "@jichat/runtime/tls-material.ts";

/** One connection to Redis. Its maker ends it with `disconnect`. */
export type RedisConnection = Redis;

export interface RedisOptions {
  readonly log: Logger;
  readonly tls?: BackendTls | undefined;
  /**
   * Whether commands of one turn of the event loop are sent in one write. For a connector, where many devices
   * may arrive at once.
   */
  readonly isGathered?: boolean;
}

/** Connects in the background. Redis may be absent at the start, and may disappear at any time. */
export function connectRedis(url: string, { log, tls, isGathered = false }: RedisOptions): RedisConnection {
  const redis = new Redis(url, {
    ...(tls === undefined ? {} : { tls }),
    enableAutoPipelining: isGathered,
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 2_000,
    connectTimeout: 2_000,
    // A dead host does not close its connections, and TCP alone would wait for about fifteen minutes.
    socketTimeout: 5_000,
    retryStrategy: (tries) => Math.min(50 * tries, 500) + Math.random() * 50,
    enableReadyCheck: true,
  });
  redis.on("error", (error: Error) => {
    log.warn({ err: error.message }, "the connection to Redis failed");
  });
  redis.connect().catch((error: unknown) => {
    log.warn({ err: error }, "Redis is not reachable yet");
  });
  return redis;
}
