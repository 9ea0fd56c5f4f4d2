import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import type { HeadEntry } from "@jichat/protocol/bus/query.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import type { Servers } from "@jichat/testkit/local/servers.ts";
import { startRedisServer } from "@jichat/testkit/local/servers.ts";
import type { SessionEntry, StoredHead } from "../src/presence-texts.ts";
import { SCRIPT_COST_MAX, updateCost } from "../src/presence-update.ts";
import { announcementText } from "../src/announcement.ts";
import type { Arrival } from "../src/arrivals.ts";
import { Arrivals } from "../src/arrivals.ts";
import { NO_CANDIDATES } from "../src/candidates.ts";
import { Presence } from "../src/presence.ts";
import type { RedisConnection } from "../src/redis.ts";
import { connectRedis } from "../src/redis.ts";
import { RedisData } from "../src/redis-data.ts";

const DAY_SECONDS = 24 * 3_600;
let servers: Servers;
let redis: RedisConnection;
let data: RedisData;
let presence: Presence;

before(async () => {
  servers = await startRedisServer();
  const log = pino({ level: "silent" });
  redis = connectRedis(servers.urls[0] ?? "", { log });
  data = new RedisData(redis, namesOf("test"), log);
  presence = new Presence({ redis, data });
  await presence.untilReady(10_000);
});
after(async () => {
  redis?.disconnect();
  await servers?.destroy();
});

const headOf = (conversation: string, position: number): HeadEntry => ({
  conversation,
  position,
  seq: position,
  no: position,
  ts: 1_800_000_000_000,
  kind: "direct",
  pair: ["ann", "bob"],
  last: { conversation, seq: position, no: position, kind: "message", from: "ann", ts: 1_800_000_000_000 },
});
const entryOf = (conversation: string, position: number) => ({
  conversation,
  position,
  first: 1,
  mark: position,
  markNo: position,
});

const credential = {
  tokenId: "token",
  issuedAt: 1,
  expiresAt: 2,
  revision: undefined,
  connectedAt: 1,
  client: undefined,
};

/** As registered again, with its birth. */
const arrive = async (user: string, device: string, entry: SessionEntry, isSyncing = false) =>
  presence.register({ user, device, ...entry, credential, ageMs: () => 0, isSyncing: () => isSyncing });

/** With its hello, or so long behind it. */
const greet = async (user: string, device: string, connector: string, session: string, ageMs?: number) =>
  presence.register({
    user,
    device,
    connector,
    session,
    birth: undefined,
    ageMs: () => ageMs,
    credential,
    isSyncing: () => false,
  });

const nothing = { isDone: true, heads: [], entries: [], unsure: [], users: [] };

const runIdOf = async (): Promise<string> => /run_id:(\w+)/.exec(await redis.info("server"))?.[1] ?? "";

const publish = async (conversation: string, position: number, users: readonly string[] = []) =>
  presence.publish({
    ...nothing,
    partition: 3,
    position,
    heads: [headOf(conversation, position)],
    entries: [{ user: "ann", entry: entryOf(conversation, position) }],
    users,
  });

test("a head, a list entry and a done position of a lower log position are refused", async () => {
  await publish("d_1", 7);
  await publish("d_1", 5);
  await publish("d_2", 6);
  assert.deepEqual(await presence.heads(["d_1", "d_none", "d_2"]), [
    headOf("d_1", 7),
    undefined,
    headOf("d_2", 6),
  ]);
  const { done, complete, entries, heads } = await presence.list("ann", 1);
  assert.equal(complete, false);
  assert.deepEqual(
    entries.map(({ conversation }) => conversation),
    heads.map((head) => head?.conversation),
  );
  assert.deepEqual(
    entries.toSorted((a, b) => b.position - a.position),
    [entryOf("d_1", 7), entryOf("d_2", 6)],
  );
  assert.deepEqual(done, new Map([[3, 7]]));
});

test("no list is read before every partition has reported its position", async () => {
  const { done, complete, entries, heads } = await presence.list("ann", 2);
  assert.deepEqual([done, complete, entries, heads], [new Map([[3, 7]]), false, [], []]);
});

test("a list is complete after the last part from storage, and newer entries stay", async () => {
  await publish("d_3", 9);
  const run = presence.run();
  const wholeAt = [0, 0, 0, 9];
  await presence.mergeList(run, "ann", { entries: [entryOf("d_3", 8)], heads: [] });
  assert.equal((await presence.list("ann", 1)).complete, false, "there is more to come");
  await presence.mergeList(run, "ann", { entries: [entryOf("d_4", 4)], heads: [headOf("d_4", 4)], wholeAt });
  const { complete, entries } = await presence.list("ann", 1);
  assert.equal(complete, true);
  assert.deepEqual(
    entries.filter(({ conversation }) => ["d_3", "d_4"].includes(conversation)),
    [entryOf("d_3", 9), entryOf("d_4", 4)],
  );
  await assert.rejects(
    presence.mergeList("another run", "ann", { entries: [], heads: [], wholeAt }),
    /Redis was lost/,
  );
});

test("a list with dropped entries is complete again only after it was read from a later position", async () => {
  const run = presence.run();
  const isWhole = async (): Promise<boolean> => (await presence.list("fay", 1)).complete;
  const merge = async (...wholeAt: number[]): Promise<void> =>
    presence.mergeList(run, "fay", { entries: [entryOf("d_7", 2)], heads: [], wholeAt });
  await merge(0, 0, 0, 12);
  assert.equal(await isWhole(), true);
  const done = (await presence.list("fay", 1)).done.get(3);
  await presence.publish({ ...nothing, isDone: false, partition: 3, position: 15, unsure: ["fay"] });
  assert.deepEqual([await isWhole(), (await presence.list("fay", 1)).done.get(3)], [false, done]);
  await assert.rejects(merge(99, 99, 99, 14), /from positions before dropped entries/);
  assert.equal(await isWhole(), false);
  await merge(0, 0, 0, 15);
  assert.equal(await isWhole(), true);
});

test("a script at its cost limit ends far within the time limit of a command", async () => {
  const entries = Array.from({ length: SCRIPT_COST_MAX }, (_, index) => ({
    user: `slow${index}`,
    entry: entryOf(`d_slow${index}`, 50),
  }));
  const update = { ...nothing, partition: 8, position: 50, entries };
  assert.equal(updateCost(update), SCRIPT_COST_MAX);
  await presence.publish(update);
  const log = (await redis.call("SLOWLOG", "GET", "128")) as [number, number, number, string[]][];
  const slowest = Math.max(...log.map(([, , micros]) => micros / 1_000));
  assert.ok(slowest < 1_000, `a script took ${slowest} ms`);
});

test("many questions at once each get their own answer, even with more heads than one script reads", async () => {
  const ids = Array.from({ length: 2_500 }, (_, index) => `d_crowd${index}`);
  const heads = ids.map((id, index) => headOf(id, 10 + index));
  const users = Array.from({ length: 200 }, (_, index) => `crowd${index}`);
  const entries = users.map((user, index) => ({ user, entry: entryOf(ids[index] ?? "", 10 + index) }));
  await presence.publish({ ...nothing, partition: 5, position: 10, heads, entries });
  const [found, again, lists] = await Promise.all([
    presence.heads([...ids, "d_none"]),
    presence.heads(ids.toReversed()),
    Promise.all([...users, "nobody"].map(async (user) => presence.list(user, 1))),
  ]);
  assert.deepEqual(found, [...heads, undefined]);
  assert.deepEqual(again, heads.toReversed());
  assert.deepEqual(
    lists.map(({ entries: [entry] }) => entry),
    [...entries.map(({ entry }) => entry), undefined],
  );
});

test("a question that arrives while another one is answered is read after its arrival", async () => {
  await publish("d_5", 20);
  const asked = [presence.heads(["d_5"]), presence.list("ann", 1)] as const;
  await new Promise(setImmediate); // They are on their way.
  const written = publish("d_5", 21);
  await new Promise(setImmediate);
  const [heads, list] = await Promise.all([
    presence.heads(["d_5"]),
    presence.list("ann", 1),
    ...asked,
    written,
  ]);
  assert.equal(heads[0]?.position, 21);
  assert.equal(list.entries.find(({ conversation }) => conversation === "d_5")?.position, 21);
  assert.equal(list.done.get(3), 21);
});

test("a list comes with all heads, even with more conversations than one script reads", async () => {
  const ids = Array.from({ length: 1_500 }, (_, index) => `d_long${index}`);
  const heads = ids.slice(1).map((id, index) => headOf(id, 30 + index));
  const entries = ids.map((id, index) => ({ user: "long", entry: entryOf(id, 30 + index) }));
  await presence.publish({ ...nothing, partition: 6, position: 30, heads, entries });
  const [long, ann] = await Promise.all([presence.list("long", 1), presence.list("ann", 1)]);
  assert.equal(long.entries.length, 1_500);
  for (const [index, { conversation }] of long.entries.entries())
    assert.equal(long.heads[index]?.conversation, conversation === "d_long0" ? undefined : conversation);
  assert.ok(ann.heads.length > 0 && ann.heads.every((head) => head !== undefined));
});

test("a list of thousands has the positions of its heads, and members get whole heads on demand", async () => {
  const ids = Array.from({ length: 2_500 }, (_, index) => `g_brief${index}`);
  const heads = ids.map((id, index) => headOf(id, 50 + index));
  const entries = ids.map((id, index) => ({ user: "many", entry: entryOf(id, 50 + index) }));
  await presence.publish({ ...nothing, partition: 6, position: 3_000, heads, entries });
  const list = await presence.list("many", 1);
  assert.equal(list.entries.length, ids.length);
  const byId = new Map(heads.map((head) => [head.conversation, head]));
  for (const [index, { conversation }] of list.entries.entries()) {
    const { position, ts } = byId.get(conversation) ?? assert.fail();
    assert.deepEqual(list.heads[index], { conversation, position, ts });
  }
  const page = ids.slice(100, 150);
  assert.deepEqual(await presence.heads(page, "many"), heads.slice(100, 150));
  const left = { ...entryOf(ids[100] ?? "", 3_001), left: 7 };
  await presence.mergeList(presence.run(), "many", { entries: [left], heads: [] });
  assert.deepEqual(await presence.heads(page, "many"), [undefined, ...heads.slice(101, 150)]);
  assert.deepEqual(await presence.heads(page, "eve"), Array(50).fill(undefined));
});

test("a brief replaces an older head, a whole head replaces a brief, and neither replaces a newer one", async () => {
  const stands = async (id: string): Promise<unknown[]> => [
    (await presence.briefs([id]))[0],
    (await presence.heads([id]))[0],
  ];
  const run = presence.run();
  const merge = async (head: StoredHead) => presence.mergeList(run, "ann", { entries: [], heads: [head] });
  const brief = (position: number) => ({ conversation: "g_1", position, ts: 5 });
  await merge(brief(10));
  assert.deepEqual(await stands("g_1"), [brief(10), undefined]);
  await merge({ ...headOf("g_1", 9), ts: 4 });
  assert.deepEqual(await stands("g_1"), [brief(10), undefined]);
  const whole = { ...headOf("g_1", 10), ts: 5 };
  await merge(whole);
  assert.deepEqual(await stands("g_1"), [brief(10), whole]);
  await merge(brief(10));
  assert.deepEqual(await stands("g_1"), [brief(10), whole]);
  await merge(brief(11));
  assert.deepEqual(await stands("g_1"), [brief(11), undefined]);
});

test("a head that the previous version wrote over a brief is read as a whole head", async () => {
  const run = presence.run();
  await presence.mergeList(run, "ann", {
    entries: [],
    heads: [{ conversation: "g_2", position: 10, ts: 5 }],
  });
  const head = headOf("g_2", 12);
  await redis.hset(`${data.prefix}h:g_2`, "p", 12, "v", JSON.stringify(head));
  assert.deepEqual(await presence.briefs(["g_2"]), [head]);
});

test("many sessions that register at once are registered separately, and the younger of two stays", async () => {
  await presence.announceConnector("c1");
  const come = async (user: string, birth: number) =>
    (await arrive(user, "phone", { connector: "c1", session: `${user}-${birth}`, birth })).displaced;
  const names = Array.from({ length: 300 }, (_, index) => `many${index}`);
  const first = await Promise.all(names.map(async (user) => come(user, 2)));
  assert.ok(first.every((displaced) => displaced === undefined));
  const again = await Promise.all(names.map(async (user, index) => come(user, index % 2 === 0 ? 1 : 3)));
  for (const [index, displaced] of again.entries())
    assert.deepEqual(
      displaced,
      index % 2 === 0 ? "younger" : { connector: "c1", session: `many${index}-2`, birth: 2 },
    );
});

test("a session with a new hello displaces any other session of its device, whatever birth that one has", async () => {
  await presence.announceConnector("c1");
  await presence.announceConnector("c2");
  const ahead = (Date.now() + 600_000) * 1_000;
  await arrive("skew", "phone", { connector: "c1", session: "old", birth: ahead });
  const { birth, displaced } = await greet("skew", "phone", "c2", "new");
  assert.deepEqual([birth, displaced], [ahead + 1, { connector: "c1", session: "old", birth: ahead }]);
  const again = await arrive("skew", "phone", { connector: "c1", session: "old", birth: ahead });
  assert.equal(again.displaced, "younger");
  const kept = await arrive("skew", "phone", { connector: "c2", session: "new", birth });
  assert.deepEqual([kept.birth, kept.displaced], [birth, undefined], "registered again it is as old");
});

test("births use the clock of Redis, and a late registration subtracts the age of its hello", async () => {
  await presence.announceConnector("c1");
  const [seconds = 0, micros = 0] = (await redis.time()).map(Number);
  await sleep(20); // A connector knows Redis's clock but for the way of an answer.
  const { birth } = await greet("clock", "phone", "c1", "one");
  const now = seconds * 1_000_000 + micros;
  assert.ok(birth >= now && birth < now + 1_000_000);
  const late = await greet("clock", "phone", "c1", "before", 5_000);
  assert.equal(late.displaced, "younger", "it said hello five seconds before");
  await greet("clock", "laptop", "c1", "first", 9_000);
  const second = await greet("clock", "laptop", "c1", "second", 2_000);
  assert.equal(second.displaced !== "younger" && second.displaced?.session, "first");
});

/** A hello at `c1`, as it comes to `Arrivals`. */
const helloOf = (user: string, device: string, session: string, syncs = false): Arrival => ({
  user,
  device,
  connector: "c1",
  session,
  birth: undefined,
  ageMs: () => undefined,
  credential,
  isSyncing: () => syncs,
});

test("a delayed hello does not displace a session with a later hello", async () => {
  await presence.announceConnector("c1");
  await presence.announceConnector("c2");
  const held = Promise.withResolvers<void>();
  let isHeld = false;
  const key = `test:${await runIdOf()}:name`;
  const slow = new Arrivals(
    async ({ lua }, args) => {
      if (isHeld) await held.promise;
      return redis.eval(lua, 1, key, data.prefix, ...args);
    },
    60,
    20,
  );
  const hello = async (session: string, device: string) => slow.arrive(helloOf("late", device, session));
  await hello("first", "laptop"); // From here on it knows the time.
  isHeld = true;
  const late = hello("late", "phone");
  await sleep(50);
  assert.equal((await greet("late", "phone", "c2", "since")).displaced, undefined);
  held.resolve();
  assert.equal((await late).displaced, "younger");
  isHeld = false;
  const { displaced } = await hello("last", "phone");
  assert.equal(displaced !== "younger" && displaced?.session, "since");
});

test("a hello displaces whoever was welcomed before it left, however late answers reach its connector", async () => {
  await presence.announceConnector("c1");
  await presence.announceConnector("c2");
  const key = `test:${await runIdOf()}:name`;
  const distant = new Arrivals(
    async ({ lua }, args) => {
      const found = await redis.eval(lua, 1, key, data.prefix, ...args);
      await sleep(100);
      return found;
    },
    60,
    20,
  );
  for (const session of ["first", "second"]) {
    const before = await greet("quick", "phone", "c2", `before-${session}`);
    assert.notEqual(before.displaced, "younger");
    const { displaced } = await distant.arrive(helloOf("quick", "phone", session));
    assert.equal(displaced !== "younger" && displaced?.session, `before-${session}`);
  }
});

test("of two sessions of a device that register together the later one stays, also if it alone syncs", async () => {
  await presence.announceConnector("c1");
  const key = `test:${await runIdOf()}:name`;
  const held = Promise.withResolvers<void>();
  const arrivals = new Arrivals(
    async ({ lua }, args) => {
      await held.promise;
      return redis.eval(lua, 1, key, data.prefix, ...args);
    },
    60,
    20,
  );
  const hello = async (session: string, device: string, syncs: boolean) =>
    arrivals.arrive(helloOf("twice", device, session, syncs));
  const ahead = Array.from({ length: 8 }, async (_, index) => hello(`ahead${index}`, `d${index}`, false));
  const [, later] = await Promise.all([
    hello("earlier", "phone", false),
    hello("later", "phone", true),
    ...ahead,
    sleep(20).then(() => {
      held.resolve();
    }),
  ]);
  assert.equal(later.displaced !== "younger" && later.displaced?.session, "earlier");
  assert.match((await redis.hget(`${data.prefix}s:twice`, "phone")) ?? "", / later /);
});

test("a session with a new hello is never removed to make room, whatever births the other devices have", async () => {
  await presence.announceConnector("c1");
  const ahead = (Date.now() + 600_000) * 1_000;
  for (let device = 1; device <= 20; device += 1)
    await arrive("crowd", `d${device}`, { connector: "c1", session: `s${device}`, birth: ahead + device });
  for (let device = 21; device <= 23; device += 1) {
    const { birth, crowdedOut } = await greet("crowd", `d${device}`, "c1", `s${device}`);
    assert.equal(birth, ahead + device);
    assert.deepEqual(
      crowdedOut.map((one) => one.device),
      [`d${device - 20}`],
    );
  }
});

test("only a session that syncs at its registration gets its list with it", async () => {
  await presence.announceConnector("c1");
  const ids = Array.from({ length: 200 }, (_, index) => `d_come${index}`);
  const users = ids.map((_, index) => `come${index}`);
  await presence.publish({
    ...nothing,
    partition: 7,
    position: 40,
    heads: ids.map((id) => headOf(id, 40)),
    entries: ids.map((id, index) => ({ user: users[index] ?? "", entry: entryOf(id, 40) })),
  });
  const come = async (user: string, index: number) =>
    arrive(user, "phone", { connector: "c1", session: `${user}-1`, birth: 1 }, index % 3 > 0);
  const arrived = await Promise.all(users.map(come));
  for (const [index, { displaced, list }] of arrived.entries()) {
    assert.equal(displaced, undefined);
    assert.deepEqual(
      await list?.(),
      index % 3 === 0 ? undefined : await presence.list(users[index] ?? "", 1),
    );
  }
  const again = await arrive("come1", "phone", { connector: "c1", session: "come1-2", birth: 2 });
  assert.deepEqual(again.displaced, { connector: "c1", session: "come1-1", birth: 1 });
  const long = await arrive("long", "phone", { connector: "c1", session: "long-1", birth: 1 }, true);
  assert.deepEqual(await long.list?.(), await presence.list("long", 1), "more heads than its script reads");
});

test("each record is in the list of a registration or is delivered to its session", async () => {
  await presence.announceConnector("c1");
  let position = 100;
  for (let run = 0; run < 20; run += 1) {
    const user = `hole${run}`;
    const told: { position: number; online: readonly string[] }[] = [];
    const phone = { isHere: false };
    const coming = arrive(user, "phone", { connector: "c1", session: user, birth: 1 }, true).finally(() => {
      phone.isHere = true;
    });
    while (!phone.isHere) {
      position += 1;
      const online = (await publish("d_hole", position, [user])).online.get(user) ?? [];
      told.push({ position, online });
    }
    const list = await (await coming).list?.();
    const done = list?.done.get(3) ?? 0;
    for (const one of told)
      assert.ok(one.position <= done || one.online.includes("c1"), `${user} never hears of ${one.position}`);
  }
});

test("a user is online at each connector of their sessions once, and only while its key lives", async () => {
  await presence.announceConnector("c1");
  await presence.announceConnector("c2");
  const sit = async (user: string, device: string, connector: string) =>
    arrive(user, device, { connector, session: `${user}-${device}`, birth: 1 });
  await sit("bob", "phone", "c1");
  await sit("bob", "laptop", "c1");
  await sit("bob", "watch", "c2");
  await sit("eve", "phone", "gone");
  const { online } = await publish("d_5", 11, ["bob", "eve", "nobody"]);
  assert.deepEqual(online.get("bob")?.toSorted(), ["c1", "c2"]);
  assert.deepEqual([online.get("eve"), online.get("nobody")], [[], []]);
  await presence.removeConnector("c2");
  assert.deepEqual((await publish("d_5", 12, ["bob"])).online.get("bob"), ["c1"]);
});

test("everybody may receive pushes until the set of those who do is there", async () => {
  const users = ["pia", "quy", "ron"];
  const may = async (asked = users): Promise<string[]> => {
    const { candidates } = await publish("d_7", 13, asked);
    return users.filter((user) => candidates.has(user));
  };
  assert.deepEqual(await may(), users);
  assert.deepEqual(await may([]), [], "nobody was asked for");
  await redis.sadd(`${data.prefix}p`, "quy", "someone");
  assert.deepEqual(await may(), ["quy"]);
  assert.deepEqual(await may(["ron", "pia"]), []);
  assert.deepEqual(await may([]), []);
  await redis.srem(`${data.prefix}p`, "quy");
  assert.equal((await publish("d_7", 14, users)).candidates, NO_CANDIDATES, "no list of nobody is made");
  await redis.del(`${data.prefix}p`);
  assert.deepEqual(await may(), users);
});

test("the largest script that is allowed tells of each of its users whether they may receive pushes", async () => {
  const users = Array.from({ length: SCRIPT_COST_MAX }, (_, index) => `crowd${index}`);
  const some = users.filter((_, index) => index % 7 === 0);
  await redis.sadd(`${data.prefix}p`, ...some);
  const { candidates, online } = await presence.publish({ ...nothing, partition: 3, position: 15, users });
  assert.equal(updateCost({ ...nothing, partition: 3, position: 15, users }), SCRIPT_COST_MAX);
  assert.equal(online.size, users.length);
  assert.deepEqual(
    users.filter((user) => candidates.has(user)),
    some,
  );
  await redis.del(`${data.prefix}p`);
});

test("heads and lists are kept for days after their last write", async () => {
  const keys = ["h:d_6", "u:ann"].map((key) => `${data.prefix}${key}`);
  const leastSeconds = async (): Promise<number> =>
    Math.min(...(await Promise.all(keys.map(async (key) => redis.ttl(key)))));
  await publish("d_6", 13);
  assert.ok((await leastSeconds()) > 6 * DAY_SECONDS);
  // As if that had been six days ago.
  for (const key of keys) {
    await redis.hset(key, "!", 1);
    await redis.expire(key, DAY_SECONDS);
  }
  await publish("d_6", 14);
  assert.ok((await leastSeconds()) > 6 * DAY_SECONDS);
});

test("the oldest device by birth goes when a user has too many, and dead devices do not count", async () => {
  await presence.announceConnector("c1");
  await presence.announceConnector("c2");
  const come = async (device: number, birth = device) =>
    (
      await arrive("full", `d${device}`, {
        connector: `c${1 + (device % 2)}`,
        session: `full-${device}-${birth}`,
        birth,
      })
    ).crowdedOut;
  for (let device = 1; device <= 20; device += 1) assert.deepEqual(await come(device), []);
  assert.deepEqual(await come(3, 103), [], "a device that comes again is no more");
  assert.deepEqual(await come(21), [
    { device: "d1", entry: { connector: "c2", session: "full-1-1", birth: 1 } },
  ]);
  assert.deepEqual(await come(22), [
    { device: "d2", entry: { connector: "c1", session: "full-2-2", birth: 2 } },
  ]);
  // One that is registered anew, after a lost Redis, say, and is the oldest of all is the one to go.
  assert.deepEqual(await come(23, 0), [
    { device: "d23", entry: { connector: "c2", session: "full-23-0", birth: 0 } },
  ]);
  const left = async (): Promise<string[]> => (await redis.hkeys(`${data.prefix}s:full`)).toSorted();
  assert.deepEqual((await left()).length, 20);
  await presence.removeConnector("c2");
  assert.deepEqual(await come(24), [], "half of them were on a connector that is gone");
  assert.ok((await left()).length <= 12);
  await presence.announceConnector("c2");
  const crowd = await Promise.all(Array.from({ length: 100 }, async (_, i) => come(1_000 + i)));
  assert.equal((await left()).length, 20);
  assert.deepEqual(
    (await left()).map((device) => Number(device.slice(1))).toSorted((a, b) => a - b),
    Array.from({ length: 20 }, (_, i) => 1_080 + i),
  );
  assert.ok(crowd.flat().every(({ entry }) => entry.birth < 1_080));
});

test("a user's devices are remembered with what they showed last, connected or not, a hundred at most", async () => {
  await presence.announceConnector("c-known");
  const say = async (device: string, session: string, connectedAt: number): Promise<void> => {
    const shown = { ...credential, tokenId: `of-${session}`, revision: 7, connectedAt, client: "app/1, é" };
    const who = { user: "known", device, connector: "c-known", session, birth: undefined };
    const { birth } = await presence.register({
      ...who,
      ageMs: () => undefined,
      credential: shown,
      isSyncing: () => false,
    });
    assert.ok(birth > 0);
  };
  await say("phone", "s1", 1_000);
  await say("phone", "s2", 2_000);
  await say("laptop", "s3", 3_000);
  await presence.unregister("known", "laptop", "s3");
  const found = (await presence.devices("known")).toSorted((a, b) => a.device.localeCompare(b.device));
  assert.deepEqual(
    found.map(({ device, isConnected, credential: shown }) => [device, isConnected, shown.tokenId]),
    [
      ["laptop", false, "of-s3"],
      ["phone", true, "of-s2"],
    ],
  );
  assert.deepEqual(found[1]?.credential, {
    ...credential,
    tokenId: "of-s2",
    revision: 7,
    connectedAt: 2_000,
    client: "app/1, é",
  });
  for (let i = 0; i < 100; i += 1) await say(`d${i}`, `t${i}`, 10_000 + i);
  const names = (await presence.devices("known")).map(({ device }) => device);
  assert.equal(names.length, 100);
  assert.ok(!names.includes("phone") && !names.includes("laptop"), "the first are forgotten first");
  assert.deepEqual(await presence.devices("nobody"), []);
});

test("a muted conversation is in the list with its settings, and its user is a member to every script", async () => {
  const settings = { muted: { until: 1_900_000_000_000, mentionsOnly: true }, at: 10 } as const;
  const muted = { ...entryOf("d_muted", 10), settings };
  const head = headOf("d_muted", 10);
  const publish = async (entry: typeof muted | ReturnType<typeof entryOf>): Promise<unknown> =>
    presence.publish({
      ...nothing,
      partition: 0,
      position: entry.position,
      heads: [head],
      entries: [{ user: "muting", entry }],
    });
  const listed = async (): Promise<unknown> => (await presence.list("muting", 1)).entries;
  await publish(muted);
  assert.deepEqual(await listed(), [muted]);
  assert.deepEqual(await presence.heads(["d_muted"], "muting"), [head]);
  await publish({ ...entryOf("d_muted", 9), position: 9 });
  assert.deepEqual(await listed(), [muted], "a lower position is refused");
  await presence.mergeList(presence.run(), "muting", {
    entries: [{ ...muted, position: 12 }],
    heads: [],
    wholeAt: [12],
  });
  assert.deepEqual(await listed(), [{ ...muted, position: 12 }]);
  await publish(entryOf("d_muted", 13));
  assert.deepEqual(await listed(), [entryOf("d_muted", 13)]);
});

test("connectors say what they carry, and one whose key has gone is not among them", async () => {
  const says = (sockets: number) =>
    announcementText({ revision: "r1", acceptsSince: 5, startedAt: 1, sockets, socketsMax: 9 });
  await presence.announceConnector("says-1", says(1));
  await presence.announceConnector("says-2", says(2));
  await presence.announceConnector("says-nothing");
  const found = async () =>
    new Map(
      (await presence.connectors()).flatMap(({ connector, says: said }) =>
        connector.startsWith("says-") ? [[connector, said?.sockets]] : [],
      ),
    );
  const ordered = new Map([...(await found())].sort(([a], [b]) => (a < b ? -1 : 1)));
  assert.deepEqual(
    [...ordered],
    [
      ["says-1", 1],
      ["says-2", 2],
      ["says-nothing", undefined],
    ],
  );
  assert.equal(await presence.renewConnector("says-1", says(7)), true);
  assert.equal((await found()).get("says-1"), 7);
  await presence.removeConnector("says-2");
  assert.equal((await found()).has("says-2"), false);
  assert.equal(await presence.renewConnector("says-2", says(3)), false, "it has to register again");
  assert.equal((await found()).has("says-2"), false);
});
