import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Part } from "@jichat/testkit/local/part.ts";
import { freePorts } from "@jichat/testkit/local/ports.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";

/** What one process lets through at once, and how long one more takes to come back. */
const OWN = 10;
const BACK_MS = 5_000;
/** What all let through together in one window. */
const TOGETHER = 20;
const WINDOW_MS = 50_000;
let stack: Stack;
let destroy: () => Promise<void>;
let others: readonly Part[] = [];
let doors: readonly string[] = [];

before(async () => {
  const env = { api: { TRUST_PROXY: "yes", SIGN_INS_PER_SECOND: "1000" } };
  ({ stack, destroy } = await startThrowaway({ env }));
  const ports = await freePorts(4);
  const { spec } = stack.api;
  others = [0, 2].map((at) => {
    const [port = 0, adminPort = 0] = ports.slice(at);
    const more = { PORT: String(port), ADMIN_PORT: String(adminPort), INSTANCE: `api-${port}` };
    return new Part({
      ...spec,
      name: `api-${port}`,
      adminPort,
      env: { ...spec.env, ...more },
      logFile: `${spec.logFile}.${port}`,
    });
  });
  for (const part of others) part.start();
  for (const part of others) await part.ready(20_000);
  doors = [stack.apiUrl, ...[0, 2].map((at) => `http://127.0.0.1:${ports[at] ?? 0}`)];
});
after(async () => {
  await Promise.all(others.map(async (part) => part.stop(5_000)));
  await destroy?.();
});

async function signIn(door: string, from: string, user: string): Promise<number> {
  const response = await fetch(`${door}/v1/sessions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-forwarded-for": from },
    body: JSON.stringify({ user, password: "a wrong guess" }),
  });
  await response.text();
  return response.status;
}

/**
 * How many guesses are looked at, of so many over all doors in turn, each from an address of its own, and the
 * time that it took: hashing is slow on a busy machine, and more guesses are allowed meanwhile.
 */
async function guesses(user: string, times: number): Promise<{ lookedAt: number; ms: number }> {
  const started = performance.now();
  let lookedAt = 0;
  for (let i = 0; i < times; i += 1) {
    const status = await signIn(doors[i % doors.length] ?? "", `198.51.100.${i}`, user);
    assert.ok([401, 429].includes(status), `${status}`);
    if (status === 401) lookedAt += 1;
  }
  return { lookedAt, ms: performance.now() - started };
}

test("guesses from all addresses count over all processes, and per process while Redis is down", async () => {
  const ann = await guesses("ann", 60);
  const most = TOGETHER * (1 + Math.floor(ann.ms / WINDOW_MS));
  assert.ok(ann.lookedAt >= TOGETHER && ann.lookedAt <= most, `${ann.lookedAt} in ${ann.ms} ms`);
  const { redis } = stack;
  assert.ok(redis);
  await redis.kill();
  const bob = await guesses("bob", 45);
  const own = OWN + Math.ceil(bob.ms / BACK_MS);
  const least = doors.length * OWN;
  assert.ok(bob.lookedAt >= least && bob.lookedAt <= doors.length * own, `${bob.lookedAt} in ${bob.ms} ms`);
  redis.start();
});
