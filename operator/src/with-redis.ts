import { Redis } from "ioredis";
import type { Door } from "./door.ts";

const TIMEOUT_MS = 4_000;

/** Opens a connection for one look. Rejects with the first error. */
export async function withRedis<T>({ url, tls }: Door, act: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, {
    ...(tls === undefined ? {} : { tls }),
    lazyConnect: true,
    connectTimeout: TIMEOUT_MS,
    commandTimeout: TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    retryStrategy: () => null,
  });
  let first: unknown;
  redis.on("error", (error: unknown) => {
    first ??= error; // The promise only says that the connection is closed; this error says why.
  });
  try {
    await redis.connect();
    return await act(redis);
  } catch (error) {
    throw first ?? error;
  } finally {
    redis.disconnect();
  }
}
