import { test } from "node:test";
import { play, startStack } from "../src/scene.ts";

test(
  "40 users in 20 pairs and 5 groups, two devices each, talk for 20 s",
  { timeout: 180_000 },
  async (t) => {
    await play(t, { fault: async () => undefined, stack: await startStack(t) });
  },
);
