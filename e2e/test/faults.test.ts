import assert from "node:assert/strict";
import { test } from "node:test";
import type { Part } from "@jichat/testkit/local/part.ts";
import { fronted } from "../src/fronted.ts";
import { NatsProxy } from "../src/nats-proxy.ts";
import { play, sleep, startStack } from "../src/scene.ts";

/** A crash, and a supervisor that starts the part again a moment later. */
async function crash(part: Part | undefined, downMs: number): Promise<void> {
  await part?.kill();
  await sleep(downMs);
  part?.start();
  await part?.ready(20_000);
}

test("kill -9 of a connector", { timeout: 180_000 }, async (t) => {
  await play(t, {
    fault: async ({ stack }) => crash(stack.connectors[0], 1_500),
    stack: await startStack(t),
  });
});

test("kill -9 of a router", { timeout: 180_000 }, async (t) => {
  await play(t, { fault: async ({ stack }) => crash(stack.routers[0], 2_000), stack: await startStack(t) });
});

test("kill -9 of storage", { timeout: 180_000 }, async (t) => {
  await play(t, { fault: async ({ stack }) => crash(stack.storage, 1_500), stack: await startStack(t) });
});

test("kill -9 of Redis, its data gone", { timeout: 180_000 }, async (t) => {
  await play(t, { fault: async ({ stack }) => crash(stack.redis, 1_500), stack: await startStack(t) });
});

test("kill -9 of nats-server", { timeout: 180_000 }, async (t) => {
  await play(t, { fault: async ({ stack }) => crash(stack.nats, 1_000), stack: await startStack(t) });
});

test(
  "the log refuses a router after SIGSTOP for 10 s and SIGCONT, and nobody gets a stale answer",
  { timeout: 180_000 },
  async (t) => {
    await play(t, {
      fault: async ({ stack }) => {
        const [router] = stack.routers;
        router?.signal("SIGSTOP");
        await sleep(10_000);
        router?.signal("SIGCONT");
      },
      stack: await startStack(t),
    });
  },
);

test("kill -9 of a router between append and effects", { timeout: 180_000 }, async (t) => {
  const proxy = await NatsProxy.listen();
  t.after(() => {
    proxy.close();
  });
  const stack = await startStack(t, {
    env: { "router-1": { NATS_URL: proxy.url } },
    onPlanned: ({ natsPort }) => {
      proxy.target(natsPort);
    },
  });
  let struck = 0;
  await play(t, {
    fault: async () => {
      for (let i = 0; i < 3; i += 1) {
        const { promise, resolve } = Promise.withResolvers<void>();
        // The log has it, the router does not know: it dies before the ack and before every effect.
        proxy.onStored = () => {
          if (proxy.onStored === undefined) return true;
          struck += 1;
          stack.routers[0]?.signal("SIGKILL");
          proxy.onStored = () => true;
          resolve();
          return true;
        };
        await promise;
        await sleep(300);
        proxy.onStored = undefined;
        await crash(stack.routers[0], 500);
        await sleep(1_500);
      }
    },
    stack,
  });
  assert.equal(struck, 3);
});

test("a proxy loses the append's answer and delivers the append late", { timeout: 180_000 }, async (t) => {
  const proxies = [await NatsProxy.listen(), await NatsProxy.listen()] as const;
  t.after(() => {
    for (const proxy of proxies) proxy.close();
  });
  const stack = await startStack(t, {
    env: { "router-1": { NATS_URL: proxies[0].url }, "router-2": { NATS_URL: proxies[1].url } },
    onPlanned: ({ natsPort }) => {
      for (const proxy of proxies) proxy.target(natsPort);
    },
  });
  for (const proxy of proxies) {
    proxy.decide = () => {
      const dice = Math.random();
      // Behind the resend that follows its time-out.
      if (dice < 0.04) return { delayMs: 2_500, loseAnswer: false };
      return { delayMs: dice < 0.1 ? 300 : 0, loseAnswer: dice > 0.92 };
    };
  }
  await play(t, {
    fault: async () =>
      sleep(12_000).then(() => {
        for (const proxy of proxies) proxy.decide = () => ({ delayMs: 0, loseAnswer: false });
      }),
    stack,
  });
  assert.ok(
    proxies.every(({ lost, late }) => lost > 5 && late > 5),
    "the proxies did their worst",
  );
});

test("ClickHouse refuses inserts for 15 s", { timeout: 180_000 }, async (t) => {
  const { options, refuse } = await fronted(t);
  await play(t, { fault: async () => refuse(15_000), stack: await startStack(t, options) });
});
