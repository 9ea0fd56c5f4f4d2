import assert from "node:assert/strict";
import { test } from "node:test";
import { sleep, startStack } from "../src/scene.ts";

/** `DRAIN_MS` of a local stack, what a stop may take behind it, and this machine's own hesitation. */
const STOP_MAX_MS = 1_000 + 28_000 + 3_000;

test("SIGTERM ends every part within its bound while NATS hangs", { timeout: 120_000 }, async (t) => {
  const stack = await startStack(t, { routers: 1, connectors: 1 });
  const { nats, storage, api } = stack;
  assert.ok(nats !== undefined);
  const parts = [...stack.routers, ...stack.connectors, storage, api];
  assert.equal(parts.length, 4);
  nats.signal("SIGSTOP");
  t.after(() => {
    nats.signal("SIGCONT");
  });
  await sleep(500);
  const began = performance.now();
  for (const part of parts) {
    part.onDeath = () => {
      t.diagnostic(`${part.spec.name} ended after ${(performance.now() - began).toFixed(0)} ms`);
    };
    part.signal("SIGTERM");
  }
  while (parts.some(({ isRunning }) => isRunning) && performance.now() - began < STOP_MAX_MS) await sleep(50);
  assert.deepEqual(
    parts.flatMap(({ isRunning, spec }) => (isRunning ? [spec.name] : [])),
    [],
  );
});
