import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Part } from "@jichat/testkit/local/part.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { LEASE_RENEW_MS, LEASE_TTL_MS } from "@jichat/protocol/log/streams.ts";
import { play, sleep, startStack } from "../src/scene.ts";

/** A router is stopped for this long: shorter than its lease, and much longer than a death goes unnoticed. */
const STOPPED_MS = 2_000;
const STRUCK = "an owner has no connection to NATS any more: its partitions are free";

interface Line {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly owner: string;
}

/** Whom routers struck off since `from`, a time in ms, and how long after it. */
function struckSince(
  routers: readonly Part[],
  from: number,
): { readonly owner: string; readonly ms: number }[] {
  return routers
    .flatMap(({ spec }) => readFileSync(spec.logFile, "utf8").split("\n"))
    .flatMap((text) => {
      if (!text.includes(STRUCK)) return [];
      const { time, owner } = JSON.parse(text) as Line;
      return [{ owner, ms: new Date(time).getTime() - from }];
    })
    .filter(({ ms }) => ms > 0);
}

const first = ({ routers }: Stack): Part => {
  const [router] = routers;
  assert.ok(router !== undefined);
  return router;
};

test(
  "a router that is killed under talk is struck off long before its lease expires, each time anew",
  { timeout: 180_000 },
  async (t) => {
    const noticed: number[] = [];
    await play(t, {
      stack: await startStack(t, { routers: 3 }),
      fault: async ({ stack }) => {
        const router = first(stack);
        for (let time = 0; time < 3; time += 1) {
          const killed = Date.now();
          await router.kill();
          await sleep(LEASE_TTL_MS);
          const struck = struckSince(stack.routers, killed);
          assert.equal(struck.length, 1, JSON.stringify(struck));
          assert.match(struck[0]?.owner ?? "", /^router-1-/);
          noticed.push(struck[0]?.ms ?? Infinity);
          router.start();
          await router.ready(20_000);
          await sleep(3_000);
        }
      },
    });
    t.diagnostic(`noticed after ${noticed.map((ms) => `${ms} ms`).join(", ")}`);
    // The earliest moment at which a lease could expire.
    for (const ms of noticed) assert.ok(ms < LEASE_TTL_MS - LEASE_RENEW_MS, `noticed after ${ms} ms`);
  },
);

test(
  "a router that is stopped for less than its lease keeps its partitions, since NATS still knows its connection",
  { timeout: 180_000 },
  async (t) => {
    await play(t, {
      stack: await startStack(t, { routers: 3 }),
      fault: async ({ stack }) => {
        const router = first(stack);
        const began = Date.now();
        for (let time = 0; time < 3; time += 1) {
          router.signal("SIGSTOP");
          await sleep(STOPPED_MS);
          router.signal("SIGCONT");
          await sleep(2_000);
        }
        assert.deepEqual(struckSince(stack.routers, began), []);
      },
    });
  },
);
