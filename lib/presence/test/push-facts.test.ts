import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { pino } from "pino";
import type { HeadEntry, ListEntry } from "@jichat/protocol/bus/query.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import type { Servers } from "@jichat/testkit/local/servers.ts";
import { startRedisServer } from "@jichat/testkit/local/servers.ts";
import { Presence } from "../src/presence.ts";
import { PushNotes } from "../src/push-facts.ts";
import type { RedisConnection } from "../src/redis.ts";
import { connectRedis } from "../src/redis.ts";
import { RedisData } from "../src/redis-data.ts";

const NOW = 1_800_000_000_000;
let servers: Servers;
let redis: RedisConnection;
let data: RedisData;
let presence: Presence;
let notes: PushNotes;

before(async () => {
  servers = await startRedisServer();
  const log = pino({ level: "silent" });
  redis = connectRedis(servers.urls[0] ?? "", { log });
  data = new RedisData(redis, namesOf("test"), log);
  presence = new Presence({ redis, data });
  notes = new PushNotes(data, () => NOW);
  await presence.untilReady(10_000);
  await beKnown();
});
after(async () => {
  redis?.disconnect();
  await servers?.destroy();
});

/** As if workers had known this data for an hour. */
async function beKnown(): Promise<void> {
  await redis.set(`${data.prefix}push`, String(Date.now() - 3_600_000));
}

const headOf = (conversation: string, no: number): HeadEntry => ({
  conversation,
  position: no,
  seq: no,
  no,
  ts: NOW,
  kind: "group",
  name: '"no":77',
});
const entryOf = (conversation: string, markNo: number, more: Partial<ListEntry> = {}): ListEntry => ({
  conversation,
  position: 100 + markNo,
  first: 1,
  mark: markNo,
  markNo,
  ...more,
});

/** A complete list: each conversation with the number of its last message, and of the last one that was read. */
async function listOf(user: string, list: readonly (readonly [HeadEntry, ListEntry])[]): Promise<void> {
  for (let at = 0; at < list.length; at += 500) {
    const part = list.slice(at, at + 500);
    await presence.mergeList(presence.run(), user, {
      entries: part.map(([, entry]) => entry),
      heads: part.map(([head]) => head),
      ...(at + 500 >= list.length ? { wholeAt: [1] } : {}),
    });
  }
}
const ask = async (user: string, conversation: string, no = 0, keys: readonly string[] = []) =>
  notes.facts({ user, conversation, no, notes: keys });

test("facts of many users: entries, sessions of living connectors, and what was pushed", async () => {
  await listOf("ann", [[headOf("g", 9), entryOf("g", 3, { settings: { muted: { until: 5 }, at: 1 } })]]);
  await presence.announceConnector("c1");
  const credential = {
    tokenId: "t",
    issuedAt: 1,
    expiresAt: 2,
    revision: undefined,
    connectedAt: 1,
    client: undefined,
  };
  const session = { user: "ann", birth: undefined, ageMs: () => 0, credential, isSyncing: () => false };
  await presence.register({ ...session, device: "web", connector: "c1", session: "s1" });
  await presence.register({ ...session, device: "phone", connector: "dead", session: "s2" });
  await notes.note("n2", 8);
  await notes.note("n2", 7);
  const [found, nobody] = await Promise.all([ask("ann", "g", 0, ["n1", "n2"]), ask("bob", "g", 9, [])]);
  assert.deepEqual(found.sessions, [{ device: "web", connector: "c1" }]);
  assert.deepEqual(found.shown, [0, 8], "a note never falls");
  assert.equal(found.entry?.mark, 3);
  assert.deepEqual(found.entry?.settings, { muted: { until: 5 }, at: 1 });
  assert.deepEqual(nobody, { entry: undefined, sessions: [], shown: [] });
});

test("a note is forgotten only if nothing newer was pushed", async () => {
  await notes.note("n3", 4);
  await notes.forget("n3", 3);
  assert.deepEqual((await ask("ann", "g", 0, ["n3"])).shown, [4]);
  await notes.forget("n3", 4);
  assert.deepEqual((await ask("ann", "g", 0, ["n3"])).shown, [0]);
});

test("a note ends after a day", async () => {
  await notes.note("n4", 1);
  const ttl = await redis.ttl(`${data.prefix}n:n4`);
  assert.ok(ttl > 86_300 && ttl <= 86_400, String(ttl));
});

test("a badge is the unread messages of conversations that are not muted, whatever the length of the list", async () => {
  const read = Array.from({ length: 3_000 }, (_, i) => [headOf(`r${i}`, 5), entryOf(`r${i}`, 5)] as const);
  await listOf("cat", [
    ...read,
    [headOf("a", 9), entryOf("a", 6)],
    [headOf("b", 9), entryOf("b", 8)],
    [headOf("muted", 9), entryOf("muted", 0, { settings: { muted: {}, at: 1 } })],
    [headOf("mentions", 9), entryOf("mentions", 0, { settings: { muted: { mentionsOnly: true }, at: 1 } })],
    [headOf("over", 9), entryOf("over", 8, { settings: { muted: { until: NOW }, at: 1 } })],
    [headOf("left", 9), entryOf("left", 0, { left: 4 })],
  ]);
  assert.equal(await notes.unread("cat"), 3 + 1 + 1);
  // From now on it is kept in step without a look at the list.
  await ask("cat", "r7", 7);
  await ask("cat", "a", 10);
  await ask("cat", "a", 9);
  assert.equal(await notes.unread("cat"), 4 + 1 + 1 + 2);
  await presence.mergeList(presence.run(), "cat", { entries: [entryOf("a", 10)], heads: [] });
  assert.equal(await notes.unread("cat"), 1 + 1 + 2);
});

test("a badge of a list that is not complete is not known", async () => {
  await presence.mergeList(presence.run(), "dan", { entries: [entryOf("a", 1)], heads: [headOf("a", 5)] });
  assert.equal(await notes.unread("dan"), undefined);
  assert.equal(await notes.unread("nobody"), undefined);
});

test("a badge is made of at most 200 conversations", async () => {
  await listOf(
    "eve",
    Array.from({ length: 400 }, (_, i) => [headOf(`e${i}`, 2), entryOf(`e${i}`, 1)] as const),
  );
  const unread = (await notes.unread("eve")) ?? 0;
  assert.ok(unread >= 190 && unread <= 200, String(unread));
  await ask("eve", "another", 3);
  assert.equal(await notes.unread("eve"), unread);
});

test("nothing is said until connectors have had the time to write their sessions again", async () => {
  await presence.giveUp(performance.now());
  await presence.untilReady(10_000);
  await assert.rejects(ask("ann", "g"), { code: "UNAVAILABLE", message: /sessions may be missing/ });
  await beKnown();
  assert.deepEqual(await ask("ann", "g", 0, ["n2"]), { entry: undefined, sessions: [], shown: [0] });
});
