import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { after, before, test } from "node:test";
import { pino } from "pino";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import type { Servers } from "@jichat/testkit/local/servers.ts";
import { startRedisServer } from "@jichat/testkit/local/servers.ts";
import { until } from "@jichat/testkit/until.ts";
import { Presence } from "../src/presence.ts";
import type { RedisConnection } from "../src/redis.ts";
import { connectRedis } from "../src/redis.ts";
import { RedisData } from "../src/redis-data.ts";

const NOTICED_MS = 3_000;
const nothing = { isDone: true, heads: [], entries: [], unsure: [], users: [] };
let servers: Servers;
let url: string;

before(async () => {
  servers = await startRedisServer();
  [url = ""] = servers.urls;
});
after(async () => servers?.destroy());

interface Met {
  readonly redis: RedisConnection;
  readonly presence: Presence;
}

async function connect(t: TestContext, cluster: string): Promise<Met> {
  const log = pino({ level: "silent" });
  const redis = connectRedis(url, { log });
  t.after(() => {
    redis.disconnect();
  });
  const presence = new Presence({ redis, data: new RedisData(redis, namesOf(cluster), log) });
  await presence.untilReady(10_000);
  return { redis, presence };
}

const meet = async (t: TestContext, cluster: string): Promise<Presence> =>
  (await connect(t, cluster)).presence;

const runIdOf = async (redis: RedisConnection): Promise<string> =>
  /run_id:(\w+)/.exec(await redis.info("server"))?.[1] ?? "";

const changed = async (before: string, ...all: Presence[]): Promise<string> =>
  until("everybody has met the new data", NOTICED_MS, () => {
    const [name = "", ...others] = all.map((presence) => presence.run());
    return name !== "" && name !== before && others.every((other) => other === name) && name;
  });

test("all processes use the same name for the data, and new data does not have the name of the server", async (t) => {
  const all = await Promise.all(Array.from({ length: 8 }, async () => connect(t, "one")));
  const [first] = all;
  assert.ok(first !== undefined);
  assert.equal(new Set(all.map(({ presence }) => presence.run())).size, 1);
  assert.notEqual(first.presence.run(), await runIdOf(first.redis));
});

test("data of the previous version keeps its name, the run_id of the server", async (t) => {
  const { redis } = await connect(t, "any");
  const runId = await runIdOf(redis);
  await redis.hset(`${namesOf("old").redis(runId)}done`, 0, 7);
  const presence = await meet(t, "old");
  assert.equal(presence.run(), runId);
  assert.equal((await presence.list("ann", 1)).done.get(0), 7);
});

test("all processes start again under a new name soon after FLUSHALL, even on a quiet cluster", async (t) => {
  const { redis, presence: router } = await connect(t, "flushed");
  const connector = await meet(t, "flushed");
  const before = router.run();
  const met = { router: 0, connector: 0 };
  router.onRun(() => void (met.router += 1));
  connector.onRun(() => void (met.connector += 1));
  await router.publish({ ...nothing, partition: 0, position: 7 });
  await redis.flushall();
  const name = await changed(before, router, connector);
  assert.notEqual(name, await runIdOf(redis));
  assert.deepEqual(met, { router: 2, connector: 2 });
  assert.equal((await connector.list("ann", 0)).done.size, 0);
});

test("a request to lost data is not executed, even before the loss is noticed", async (t) => {
  const { redis, presence } = await connect(t, "asked");
  const asks: (() => Promise<unknown>)[] = [
    async () => presence.list("ann", 0),
    async () => presence.publish({ ...nothing, partition: 0, position: 9 }),
    async () => presence.mergeList(presence.run(), "ann", { entries: [], heads: [], wholeAt: [9] }),
    async () => presence.heads(["d_1"]),
    async () => presence.isAlive("c1"),
    async () => presence.renewConnector("c1"),
    async () => presence.announceConnector("c1"),
  ];
  for (const ask of asks) {
    const before = presence.run();
    await presence.announceConnector("c1");
    await redis.flushall();
    await assert.rejects(ask(), /LOST/);
    await changed(before, presence);
    assert.deepEqual(await redis.keys("*"), [`asked:${await runIdOf(redis)}:name`]);
  }
});

test("data that was given up is used by nobody, and is not given up a second time", async (t) => {
  const [one, other] = [await meet(t, "given"), await meet(t, "given")];
  const before = one.run();
  await one.publish({ ...nothing, partition: 0, position: 7 });
  const lostAt = performance.now();
  await one.giveUp(lostAt);
  const name = await changed(before, one, other);
  await one.giveUp(lostAt);
  assert.deepEqual([one.run(), (await other.list("ann", 0)).done.size], [name, 0]);
  await other.giveUp(performance.now());
  await changed(name, one, other);
});
