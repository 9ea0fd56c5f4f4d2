import assert from "node:assert/strict";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { directConversation, partitionOf } from "@jichat/protocol/ids.ts";
import { exec } from "@jichat/testkit/exec.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { until } from "@jichat/testkit/until.ts";
import { metricOf, stoppedBy, untilLevel } from "../src/metric.ts";
import { mint } from "../src/mint.ts";
import type { Frame } from "../src/raw.ts";
import { Raw } from "../src/raw.ts";
import { sleep, startStack } from "../src/scene.ts";

const CONVERSATION = directConversation("ann", "bob");
const PARTITION = partitionOf(CONVERSATION, 16);
const PATIENCE_MS = 30_000;

/** A small cluster and a socket of ann's that outlives what is done to it. */
async function begin(t: TestContext): Promise<{
  stack: Stack;
  send: (id: string) => Promise<Frame>;
  sync: (since?: unknown) => Promise<Frame>;
  events: () => Promise<Frame[]>;
}> {
  const stack = await startStack(t, { routers: 1, connectors: 1, env: { storage: { FLUSH_MS: "100" } } });
  const ask = async (frame: Readonly<Record<string, unknown>> & { readonly id: string }): Promise<Frame> => {
    const socket = new Raw(stack.wsUrls[0] ?? "");
    await socket.hello(mint(stack.secrets.signingKeyFile, { sub: "ann" }), "raw");
    const reply = await socket.ask(frame);
    socket.close();
    return reply;
  };
  return {
    stack,
    send: async (id) => ask({ t: "send", id, to: "bob", body: { id } }),
    sync: async (since) => ask({ t: "sync", id: "list", since }),
    events: async () => {
      const page = await ask({ t: "pull", id: "all", conversation: CONVERSATION, after: 0, limit: 200 });
      assert.equal(page.t, "page", JSON.stringify(page));
      return page["events"] as Frame[];
    },
  };
}

/** NATS with the store that it had when `copy` was made: somebody put an old backup back. */
async function restore(stack: Stack, copy: string): Promise<void> {
  await stack.nats?.kill();
  const store = join(stack.options.data, "nats");
  rmSync(store, { recursive: true, force: true });
  cpSync(copy, store, { recursive: true });
  stack.nats?.start();
  await stack.nats?.ready(20_000);
}

async function backup(stack: Stack): Promise<string> {
  const copy = join(stack.options.data, "backup");
  await stack.nats?.stop(10_000);
  cpSync(join(stack.options.data, "nats"), copy, { recursive: true });
  stack.nats?.start();
  await stack.nats?.ready(20_000);
  return copy;
}

async function generation(stack: Stack): Promise<Record<string, number>> {
  const { spec } = stack.storage;
  await stack.storage.stop(10_000);
  const args = [...spec.args, "generation", "--partition", String(PARTITION)];
  const { code, stdout, stderr } = await exec(spec.program, args, {
    env: { ...process.env, ...spec.env, ADMIN_PORT: "0", REDIS_URL: stack.redisUrl },
  });
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  stack.storage.start();
  await stack.storage.ready(20_000);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Record<string, number>;
}

const insist = async (send: (id: string) => Promise<Frame>, id: string): Promise<Frame> => {
  const acked = async (): Promise<Frame | undefined> => {
    const reply = await send(id).catch(() => undefined); // Nobody may own its partition just now.
    return reply?.t === "ack" ? reply : undefined;
  };
  return until(`an ack of ${id}`, PATIENCE_MS, acked);
};

const insistOnSync = async (sync: () => Promise<Frame>): Promise<Frame> =>
  until("a list", PATIENCE_MS, async () => {
    const reply = await sync();
    return reply.t === "synced" ? reply : undefined; // It is being rebuilt.
  });

test(
  "a log that lost committed records stops its partition, and a new generation gives no seq a second meaning",
  { timeout: 240_000 },
  async (t) => {
    const { stack, send, sync, events } = await begin(t);
    for (let i = 1; i <= 10; i += 1) assert.equal((await insist(send, `kept-${i}`)).t, "ack");
    await sleep(500);
    const copy = await backup(stack);
    for (let i = 1; i <= 10; i += 1) await insist(send, `stored-${i}`);
    await untilLevel(stack.storage, PATIENCE_MS);
    await insistOnSync(sync); // From now on Redis has the list.
    // Of these ClickHouse never hears: Redis alone has seen how far it went.
    await stack.storage.kill();
    const last = Number((await insist(send, "gone-1"))["seq"]);
    await insist(send, "gone-2");
    await sleep(300);
    const { cursor } = await insistOnSync(sync);
    await restore(stack, copy);
    stack.storage.start();

    // Its owner learns of it at the next append, and from then on nothing is decided.
    const refused = await send("refused");
    assert.equal(refused["code"], "UNAVAILABLE");
    await until(
      "the router's stop",
      PATIENCE_MS,
      async () => (await metricOf(stack.routers[0], "jichat_router_regressed").catch(() => 0)) >= 1,
    );
    await until(
      "storage's stop",
      PATIENCE_MS,
      async () => (await metricOf(stack.storage, "jichat_storage_regressed").catch(() => 0)) >= 1,
    );
    for (const part of [stack.routers[0], stack.storage])
      assert.ok((await stoppedBy(part, "LogRegressed")).includes(PARTITION), part?.spec.name);
    const report = await generation(stack);
    assert.equal(report["lost"], 2);
    assert.ok(
      Number(report["first"]) > Number(report["known"]) && Number(report["known"]) > Number(report["end"]),
    );

    const after = await insist(send, "after");
    assert.equal(after["seq"], last + 2, "it goes on above the highest that was seen");
    assert.deepEqual(await stoppedBy(stack.routers[0], "LogRegressed"), []);
    let since = cursor;
    // An ack may be a moment ahead of the list. What one reply lacks is behind its cursor.
    await until("a list tells what came behind the cursor", PATIENCE_MS, async () => {
      const synced = await insistOnSync(async () => sync(since));
      assert.equal(synced["reset"], undefined, "a generation goes on with positions");
      since = synced["cursor"];
      const [listed] = synced["conversations"] as readonly Frame[];
      return listed?.["head"] === last + 2 ? true : undefined;
    });
    const again = await insist(send, "stored-5");
    assert.deepEqual(
      [again["seq"], again["duplicate"]],
      [1 + 10 + 5, true],
      "what ClickHouse kept keeps its seq",
    );
    const all = await events();
    assert.deepEqual(
      all.map(({ seq }) => seq),
      Array.from({ length: last + 2 }, (_, i) => i + 1),
    );
    assert.deepEqual(
      all.slice(1).map((event) => [event["kind"], event["id"]]),
      [
        ...Array.from({ length: 10 }, (_, i) => ["message", `kept-${i + 1}`]),
        ...Array.from({ length: 10 }, (_, i) => ["message", `stored-${i + 1}`]),
        ["lost", undefined],
        ["lost", undefined],
        ["message", "after"],
      ],
    );
    // A router that knows nothing of the old log takes over what the new one says.
    const [router] = stack.routers;
    await router?.kill();
    router?.start();
    await router?.ready(20_000);
    assert.equal((await insist(send, "later"))["seq"], last + 3);
  },
);

test("a new generation is refused for a log that has lost nothing", { timeout: 120_000 }, async (t) => {
  const { stack, send } = await begin(t);
  await insist(send, "one");
  const { spec } = stack.storage;
  await stack.storage.stop(10_000);
  const args = [...spec.args, "generation", "--partition", String(PARTITION)];
  const { code, stderr } = await exec(spec.program, args, {
    env: { ...process.env, ...spec.env, ADMIN_PORT: "0" },
  });
  assert.notEqual(code, 0);
  assert.match(stderr, /nothing is lost/);
  stack.storage.start();
  await stack.storage.ready(20_000);
  assert.equal((await insist(send, "two"))["seq"], 3);
});
