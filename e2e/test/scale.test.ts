import assert from "node:assert/strict";
import { test } from "node:test";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { metricOf } from "../src/metric.ts";
import { play, sleep, startStack } from "../src/scene.ts";

const EVEN_WITHIN_MS = 10_000;

/** Partitions that each living router serves, as its metrics say. */
async function held(stack: Stack): Promise<number[]> {
  return Promise.all(
    stack.routers
      .filter(({ isRunning }) => isRunning)
      .map(async (router) => (await metricOf(router, "jichat_router_partitions")) || 0),
  );
}

async function even(stack: Stack): Promise<number> {
  const started = performance.now();
  for (;;) {
    const counts = await held(stack);
    const total = counts.reduce((sum, count) => sum + count, 0);
    if (total === 16 && Math.max(...counts) - Math.min(...counts) <= 1) return performance.now() - started;
    if (performance.now() - started > EVEN_WITHIN_MS)
      throw new Error(`after ${EVEN_WITHIN_MS} ms the routers hold ${counts.join(", ")}`);
    await sleep(100);
  }
}

test(
  "partitions are even within 10 s when routers change to 3 and 1 under load, and nothing is lost",
  { timeout: 180_000 },
  async (t) => {
    const stack = await startStack(t, { routers: 1 });
    await play(t, {
      fault: async () => {
        await Promise.all([stack.addRouter(), stack.addRouter()]);
        const up = await even(stack);
        assert.deepEqual(
          (await held(stack)).sort((a, b) => a - b),
          [5, 5, 6],
        );
        await sleep(3_000);
        await Promise.all(stack.routers.slice(1).map((router) => router.stop(15_000)));
        const down = await even(stack);
        t.diagnostic(`even after ${up.toFixed(0)} ms with three, after ${down.toFixed(0)} ms with one again`);
      },
      stack,
    });
  },
);
