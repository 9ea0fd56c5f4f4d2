import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isErrorCode, isRetryable } from "@jichat/protocol/errors.ts";
import type { Servers } from "@jichat/testkit/local/servers.ts";
import { startNatsServers } from "@jichat/testkit/local/servers.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";
import { until } from "@jichat/testkit/until.ts";
import type { Ask } from "./ask.ts";
import { askAsAnn } from "./ask.ts";

const PARTITIONS = 8;
const GROUPS = 16;
/** An election of NATS takes up to 9 s, and all of them have one at once here. */
const WAIT_MAX_MS = 20_000;
let cluster: Servers;
let stack: Stack;
let destroy: () => Promise<void>;
let ask: Ask;

before(async () => {
  cluster = await startNatsServers(3);
  const env = { "*": { PARTITIONS: String(PARTITIONS), LOG_REPLICAS: "3" } };
  ({ stack, destroy } = await startThrowaway({ natsUrl: cluster.urls[0], env }));
  ask = await askAsAnn(stack);
});
after(async () => {
  await destroy?.();
  await cluster?.destroy();
});

/** Again while it is told to: how long that took, and what came of it. */
async function askOn(path: string, body?: object): Promise<Record<string, unknown> & { waitedMs: number }> {
  const began = performance.now();
  const found = await until(`${path} answers`, WAIT_MAX_MS, async () => {
    const told = await ask(path, body);
    const { code } = told;
    if (code === undefined) return told;
    const mayRetry = typeof code === "string" && isErrorCode(code) && isRetryable(code);
    assert.ok(mayRetry, `${path}: ${JSON.stringify(told)}`);
    return undefined;
  });
  return { ...found, waitedMs: performance.now() - began };
}

const group = (id: string): object => ({ id, kind: "group", name: id, members: [] });

const admin = async (path: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${stack.storage.spec.adminPort}${path}`);

async function gauge(name: string): Promise<string | undefined> {
  const text = await (await admin("/metrics")).text();
  return new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)`, "m").exec(text)?.[1];
}

test(
  "history and new conversations go on after the death of one nats-server of three",
  { timeout: 240_000 },
  async () => {
    const old = await Promise.all(
      Array.from({ length: GROUPS }, async (_, i) => askOn("/v1/conversations", group(`old${i}`))),
    );
    await until("all is written", 20_000, async () => (await gauge("jichat_storage_lag_batches")) === "0");
    // Any but the one that all parts are attached to. Of so many readers some were on it.
    await cluster.parts[2]?.kill();
    const waits = await Promise.all([
      ...Array.from({ length: GROUPS }, async (_, i) => {
        const made = await askOn("/v1/conversations", group(`new${i}`));
        const page = await askOn(`/v1/conversations/${String(made["conversation"])}/events?after=0&limit=10`);
        assert.equal((page["events"] as unknown[]).length, 1);
        return made.waitedMs + page.waitedMs;
      }),
      ...old.map(async (made) => {
        const page = await askOn(`/v1/conversations/${String(made["conversation"])}/events?after=0&limit=10`);
        return page.waitedMs;
      }),
    ]);
    assert.equal(waits.length, 2 * GROUPS);
    await until("all is heard and written", WAIT_MAX_MS, async () => {
      const lag = await gauge("jichat_storage_lag_batches");
      return lag === "0" && (await gauge("jichat_storage_unheard")) === "0" && (await admin("/readyz")).ok;
    });
    cluster.parts[2]?.start();
  },
);

test(
  "storage reports no lag and is not ready while it does not receive its logs",
  { timeout: 120_000 },
  async () => {
    await Promise.all(cluster.parts.map(async (part) => part.kill()));
    await until("it is not ready", 10_000, async () => !(await admin("/readyz")).ok);
    await until(
      "it says of how many",
      10_000,
      async () => (await gauge("jichat_storage_unheard")) === `${PARTITIONS}`,
    );
    assert.equal(await gauge("jichat_storage_lag_batches"), "NaN");
    assert.match(
      await (await admin("/readyz")).text(),
      /^storage does not receive the logs of partitions 0, 1/,
    );
    assert.match(stack.storage.logEnd(200), /the reader of a log stopped/);

    for (const part of cluster.parts) part.start();
    await until("it hears again", 60_000, async () => (await admin("/readyz")).ok);
    await until("it is level", 20_000, async () => (await gauge("jichat_storage_lag_batches")) === "0");
  },
);
