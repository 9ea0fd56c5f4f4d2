import assert from "node:assert/strict";
import { test } from "node:test";
import { play, sleep, startStack } from "../src/scene.ts";

test(
  "no send takes longer than 1 s during SIGTERM of every router and connector in turn",
  { timeout: 180_000 },
  async (t) => {
    const { crowd } = await play(t, {
      fault: async ({ stack, crowd: talking }) => {
        // From here on: the first sends load cold conversations.
        for (const { answeredMs } of talking.devices) answeredMs.length = 0;
        for (const part of [...stack.routers, ...stack.connectors]) {
          await part.stop(15_000);
          part.start();
          await part.ready(20_000);
          await sleep(500);
        }
      },
      stack: await startStack(t),
    });
    assert.ok(crowd.answeredMs(100) <= 1_000, `the slowest send took ${crowd.answeredMs(100).toFixed(0)} ms`);
  },
);
