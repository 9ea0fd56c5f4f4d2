import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { until } from "@jichat/testkit/until.ts";

const PATIENCE_MS = 20_000;

/**
 * Adds users to the set of those who receive pushes, in the data that routers use, without registrations.
 * Another process may put a set of its own there while the cluster is young.
 */
export async function receivePushes(
  { redisPort }: Pick<Stack, "redisPort">,
  users: readonly string[],
): Promise<void> {
  const redis = new Redis(redisPort, "127.0.0.1");
  try {
    const [done = ""] = await until("the data of Redis", PATIENCE_MS, async () => {
      const keys = await redis.keys("*:done");
      return keys.length > 0 ? keys : undefined;
    });
    for (let times = 0; times < 10; times += 1) {
      await redis.sadd(done.replace(/done$/, "p"), ...users);
      await sleep(200);
    }
  } finally {
    redis.disconnect();
  }
}
