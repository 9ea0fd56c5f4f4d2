import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { until } from "@jichat/testkit/until.ts";
import { metricOf } from "../src/metric.ts";
import { mint } from "../src/mint.ts";
import type { Frame } from "../src/raw.ts";
import { Raw } from "../src/raw.ts";
import { Memory, sleep, startStack } from "../src/scene.ts";

const MEMBERS = 999;
const CREATORS = 4;
/** I9. */
const LEVEL_MS = 30_000;
/** I8: about twice what a router holds that has nothing to do. */
const ROUTER_RSS_MAX_MB = 400;
const users = Array.from({ length: MEMBERS }, (_, i) => `member-${i}`);

/** Nobody is kept from making large groups. */
const NO_LIMITS = {
  "*": { PARTITIONS: "1" },
  connector: { MESSAGES_PER_SECOND: "1000", BYTES_PER_SECOND: "16777216", MEMBERS_PER_SECOND: "1000000" },
};

async function arrive(t: TestContext, stack: Stack, user: string, at: number): Promise<Raw> {
  const socket = new Raw(stack.wsUrls[at % stack.wsUrls.length] ?? "");
  t.after(() => {
    socket.close();
  });
  assert.equal((await socket.hello(mint(stack.secrets.signingKeyFile, { sub: user }))).t, "welcome");
  return socket;
}

/** Acks, whatever it takes: a retryable refusal is asked again. */
async function create(socket: Raw, id: string): Promise<unknown> {
  for (;;) {
    const frame = { t: "create", id, kind: "group", name: id, members: users };
    const reply: Frame = await socket.ask(frame);
    if (reply.t === "ack") return reply["conversation"];
    await sleep(Number(reply["retryAfterMs"] ?? 100));
  }
}

/** How many of `groups` a sync lists, with their heads; 0 while it cannot be answered. */
async function listed(socket: Raw, groups: ReadonlySet<unknown>, id: string): Promise<number> {
  let found = 0;
  for (let page: unknown, at = 0; ; at += 1) {
    const more = page === undefined ? {} : { page };
    const reply = await socket.ask({ t: "sync", id: `${id}-${at}`, limit: 1_000, ...more });
    if (reply.t !== "synced") return 0;
    for (const { conversation, head } of reply["conversations"] as { conversation: unknown; head: number }[])
      if (groups.has(conversation) && head > 0) found += 1;
    page = reply["next"];
    if (page === undefined) return found;
  }
}

for (const [outageMs, groups] of [
  [8_000, 196],
  [25_000, 744],
] as const)
  test(
    `all has caught up 30 s after Redis stopped for ${outageMs / 1_000} s under ${groups} new groups of ${MEMBERS}, in bounded memory`,
    { timeout: 180_000 },
    async (t) => {
      const stack = await startStack(t, { routers: 1, connectors: 2, env: NO_LIMITS });
      const creators = await Promise.all(
        Array.from({ length: CREATORS }, async (_, i) => arrive(t, stack, `creator-${i}`, i)),
      );
      const watcher = await arrive(t, stack, "member-7", 1);
      await create(creators[0] as Raw, "before");
      await watcher.hear(({ t: kind }) => kind === "event");
      const memory = new Memory(stack);

      stack.redis?.signal("SIGSTOP");
      const healed = sleep(outageMs).then(() => stack.redis?.signal("SIGCONT"));
      const making = creators.map(async (socket, at) => {
        const made: unknown[] = [];
        for (let i = at; i < groups; i += CREATORS) made.push(await create(socket, `g${i}`));
        return { socket, made };
      });
      const [madeByEach] = await Promise.all([Promise.all(making), healed]);
      const since = performance.now();
      const all = madeByEach.flatMap(({ made }) => made);
      assert.equal(new Set(all).size, groups);

      let asked = 0;
      for (const { socket, made } of [{ socket: watcher, made: all }, ...madeByEach])
        await until("the list is whole", LEVEL_MS, async () => {
          asked += 1;
          return (await listed(socket, new Set(made), `s${asked}`)) === made.length;
        });
      const levelMs = performance.now() - since;
      assert.equal(await metricOf(stack.routers[0], "jichat_router_effects_backlog"), 0);
      const [conversation] = madeByEach[0]?.made ?? [];
      const said = { t: "send", id: "live", conversation, body: { text: "still here" } };
      assert.equal((await creators[0]?.ask(said))?.t, "ack");
      await watcher.hear(({ t: kind, id }) => kind === "event" && id === "live", 2_000);

      const router = memory.stop().get("router-1") ?? 0;
      t.diagnostic(`level after ${levelMs.toFixed(0)} ms; router-1 held ${router.toFixed(0)} MB at most`);
      assert.ok(levelMs < LEVEL_MS);
      assert.ok(router > 0 && router < ROUTER_RSS_MAX_MB, `I8: router-1 held ${router.toFixed(0)} MB`);
    },
  );
