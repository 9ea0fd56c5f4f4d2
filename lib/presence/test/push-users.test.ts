import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { pino } from "pino";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import type { Servers } from "@jichat/testkit/local/servers.ts";
import { startRedisServer } from "@jichat/testkit/local/servers.ts";
import { Presence } from "../src/presence.ts";
import { PushUsers } from "../src/push-users.ts";
import type { RedisConnection } from "../src/redis.ts";
import { connectRedis } from "../src/redis.ts";
import { RedisData } from "../src/redis-data.ts";

let servers: Servers;
let redis: RedisConnection;
const log = pino({ level: "silent" });

before(async () => {
  servers = await startRedisServer();
  redis = connectRedis(servers.urls[0] ?? "", { log });
});
after(async () => {
  redis?.disconnect();
  await servers?.destroy();
});

/** A cluster of its own. */
async function open(cluster: string) {
  const data = new RedisData(redis, namesOf(cluster), log);
  const presence = new Presence({ redis, data });
  await presence.untilReady(10_000);
  const key = `${data.prefix}p`;
  return {
    key,
    presence,
    pushUsers: new PushUsers(data),
    members: async () => (await redis.smembers(key)).sort(),
  };
}
async function* these(users: readonly string[], meanwhile?: () => Promise<unknown>): AsyncGenerator<string> {
  for (const user of users) yield user;
  await meanwhile?.();
}

test("the set exists once it is complete, also without anybody, and is put in place at once", async () => {
  const { key, pushUsers, members } = await open("first");
  await pushUsers.add("early");
  assert.equal(await redis.exists(key), 0, "half a set would hide everybody else");
  assert.equal(await pushUsers.isFresh(), false);
  const wasThere = async (): Promise<void> => assert.equal(await redis.exists(key), 0);
  assert.equal(await pushUsers.rebuild("api-1", these([], wasThere)), true);
  assert.deepEqual(await members(), ["*", "early"]);
  assert.equal(await redis.ttl(key), -1);
  assert.equal(await pushUsers.isFresh(), true);
  await pushUsers.add("later");
  assert.deepEqual(await members(), ["*", "early", "later"]);
});

test("a rebuild drops who is gone, and keeps who registers before, during and after it", async () => {
  const { pushUsers, members } = await open("second");
  const many = Array.from({ length: 2_500 }, (_, i) => `u${i}`);
  assert.equal(await pushUsers.rebuild("api-1", these([...many, "gone"])), true);
  assert.equal((await members()).length, many.length + 2);
  await pushUsers.add("before"); // What is read of KV may lag behind it.
  const meanwhile = async (): Promise<void> => {
    await pushUsers.add("during");
    assert.ok((await members()).includes("gone"), "the old set serves until the new one is whole");
  };
  assert.equal(await pushUsers.rebuild("api-1", these(many, meanwhile)), true);
  assert.deepEqual(await members(), [...many, "*", "before", "during"].sort());
});

test("one process rebuilds at a time, one that failed gives way, and one that was overtaken changes nothing", async () => {
  const { key, pushUsers, members } = await open("third");
  let second: boolean | undefined;
  const another = async (): Promise<void> => {
    second = await pushUsers.rebuild("api-2", these(["wrong"]));
  };
  assert.equal(await pushUsers.rebuild("api-1", these(["ann"], another)), true);
  assert.equal(second, false);
  assert.deepEqual(await members(), ["*", "ann"]);

  const failing = pushUsers.rebuild(
    "api-1",
    these(["wrong"], async () => Promise.reject(new Error("KV is gone"))),
  );
  await assert.rejects(failing, /KV is gone/);
  assert.deepEqual(await members(), ["*", "ann"]);
  const slow = pushUsers.rebuild(
    "api-1",
    these(["wrong"], async () => {
      await redis.del(`${key}:lock`); // As it expires.
      assert.equal(await pushUsers.rebuild("api-2", these(["bob"])), true);
    }),
  );
  assert.equal(await slow, false);
  assert.deepEqual(await members(), ["*", "bob"]);
});

test("data that is given up takes its set along, and recent registrations are bounded by their time", async () => {
  const { key, presence, pushUsers } = await open("fourth");
  await pushUsers.rebuild("api-1", these(["ann"]));
  await pushUsers.add("ann");
  assert.deepEqual(await redis.zrange(`${key}:recent`, "0", "-1"), ["ann"]);
  assert.ok((await redis.pttl(`${key}:recent`)) > 0);
  const long = Date.now() - 3_600_000;
  await redis.zadd(`${key}:recent`, long, "old");
  await pushUsers.add("bob");
  assert.deepEqual((await redis.zrange(`${key}:recent`, "0", "-1")).sort(), ["ann", "bob"]);
  await presence.giveUp(performance.now());
  await presence.untilReady(10_000);
  assert.equal(await redis.exists(key), 0);
  assert.equal(await pushUsers.isFresh(), false);
});
