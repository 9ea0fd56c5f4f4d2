import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeActivityAnswer } from "@jichat/protocol/bus/activity.ts";
import { PUSH_OFFER_KEY, readPushOffer } from "@jichat/protocol/bus/push-offer.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { Bucket } from "@jichat/runtime/bucket.ts";
import { until } from "@jichat/testkit/until.ts";
import { messageTo } from "./fakes.ts";
import { IN_FLIGHT_MAX, World } from "./world.ts";

const names = namesOf("jichat");
const USERS = Array.from({ length: 20 }, (_, i) => `user${i}`);
const CONVERSATIONS = Array.from({ length: 30 }, (_, i) => `conversation${i}`);
/** The first worker on new data waits until connectors would have written their sessions. */
const SETTLED_WITHIN_MS = 30_000;
let world: World;
const seqs = new Map<string, number>();

before(async () => {
  world = await World.start(2);
  for (const user of USERS) await world.register(user);
  for (const worker of world.workers) worker.start();
  await Promise.all(world.workers.map(async (worker) => worker.ready(30_000)));
});
after(async () => world?.destroy());

/** The next message of a conversation, for all users. */
async function say(conversation: string, to: readonly string[] = USERS): Promise<void> {
  const seq = (seqs.get(conversation) ?? 0) + 1;
  seqs.set(conversation, seq);
  await world.put(conversation, messageTo(to, seq, { conversation, ts: Date.now() }));
}

/** Messages that no push of their device tells of: neither one of its own, nor a folded later one. */
function untold(): readonly string[] {
  const shown = new Map<string, { seq: number; count: number }[]>();
  for (const { type, data } of world.receiver.received) {
    if (type !== "push.notification") continue;
    const key = `${String(data["user"])} ${String(data["conversation"])}`;
    const one = { seq: Number(data["seq"]), count: Number(data["count"]) };
    shown.set(key, [...(shown.get(key) ?? []), one]);
  }
  return CONVERSATIONS.flatMap((conversation) =>
    USERS.flatMap((user) => {
      const pushes = shown.get(`${user} ${conversation}`) ?? [];
      const all = Array.from({ length: seqs.get(conversation) ?? 0 }, (_, i) => i + 1);
      return all
        .filter((seq) => !pushes.some((push) => push.seq === seq || (push.seq > seq && push.count > 1)))
        .map((seq) => `${user} ${conversation} ${seq}`);
    }),
  );
}

/** `undefined` while NATS does not answer. */
const leftOrUndefined = async (): Promise<number | undefined> => world.left().catch(() => undefined);

const untilAllAreTold = async (ms: number): Promise<void> =>
  until("the queue is empty, and nothing waits", ms, async () => (await world.left()) === 0, 250).then(
    () => undefined,
  );

test("each message is pushed to each device once, by two workers that share the partitions", async () => {
  for (const conversation of CONVERSATIONS) await say(conversation);
  await untilAllAreTold(SETTLED_WITHIN_MS);
  assert.deepEqual(untold(), []);
  assert.equal(world.receiver.total, CONVERSATIONS.length * USERS.length);
  assert.deepEqual(world.receiver.repeated, []);
  const partitions = await Promise.all(
    world.workers.map(
      async ({ spec }) =>
        ((await (await fetch(`http://127.0.0.1:${spec.adminPort}/partitions`)).json()) as number[]).length,
    ),
  );
  assert.deepEqual(partitions, [2, 2]);
  assert.equal(await world.metric("jichat_push_sent", 'outcome="sent"'), world.receiver.total);
});

test("the cluster is told what its workers offer", async () => {
  const settings = await Bucket.open(world.nats, names.settings);
  const offer = readPushOffer((await settings.kv.get(PUSH_OFFER_KEY))?.string() ?? "");
  assert.deepEqual(offer, { v: 1, kinds: ["webhook"] });
});

test("a device with a live session and an owner who is active are not pushed", async () => {
  const credential = {
    tokenId: "t",
    issuedAt: 1,
    expiresAt: 2,
    revision: undefined,
    connectedAt: 1,
    client: undefined,
  };
  await world.presence.announceConnector("c1");
  const keeping = setInterval(() => void world.presence.announceConnector("c1"), 1_000);
  const session = { connector: "c1", birth: undefined, ageMs: () => 0, credential, isSyncing: () => false };
  await world.presence.register({ ...session, user: "user0", device: "phone", session: "s0" });
  await world.presence.register({ ...session, user: "user1", device: "web", session: "s1" });
  await world.presence.register({ ...session, user: "user2", device: "web", session: "s2" });
  const connector = world.nats.subscribe(names.activity("c1"), {
    callback: (_error, message) => {
      message.respond(
        encodeActivityAnswer([
          { user: "user0", device: "phone", isActive: false },
          { user: "user1", device: "web", isActive: true },
          { user: "user2", device: "web", isActive: false },
        ]),
      );
    },
  });
  const before = world.receiver.total;
  await world.put(
    "away",
    messageTo(["user0", "user1", "user2", "user3"], 1, { conversation: "away", ts: Date.now() }),
  );
  await untilAllAreTold(10_000);
  const told = world.receiver.received.slice(before).map(({ data }) => String(data["user"]));
  assert.deepEqual(told.sort(), ["user2", "user3"]);
  clearInterval(keeping);
  connector.unsubscribe();
  for (const [user, device, id] of [
    ["user0", "phone", "s0"],
    ["user1", "web", "s1"],
    ["user2", "web", "s2"],
  ] as const)
    await world.presence.unregister(user, device, id);
});

test("kill -9 of a worker: every message is pushed or folded, and few ids come twice", async () => {
  const [victim] = world.workers;
  assert.ok(victim !== undefined);
  const talking = (async () => {
    for (let round = 0; round < 8; round += 1)
      for (const conversation of CONVERSATIONS) await say(conversation);
  })();
  await sleep(400);
  await victim.kill();
  await talking;
  await untilAllAreTold(60_000);
  assert.deepEqual(untold(), []);
  assert.ok(
    world.receiver.repeated.length <= IN_FLIGHT_MAX,
    `${world.receiver.repeated.length} ids came twice`,
  );
  victim.start();
  await victim.ready(30_000);
});

test("a provider that is down for a while: what came meanwhile is told afterwards, one for each conversation", async () => {
  const before = world.receiver.total;
  const repeated = world.receiver.repeated.length;
  world.receiver.faults.always({ is: "answer", status: 503 });
  for (let round = 0; round < 5; round += 1) {
    for (const conversation of CONVERSATIONS) await say(conversation);
    await sleep(1_500);
  }
  await until("pushes wait in KV", 60_000, async () => (await world.metric("jichat_push_deferred")) > 0);
  assert.equal(world.receiver.total, before);
  assert.ok((await world.metric("jichat_push_circuits_open", 'provider="webhook"')) > 0);
  world.receiver.faults.always(undefined);
  await untilAllAreTold(120_000);
  assert.deepEqual(untold(), []);
  assert.equal(world.receiver.repeated.length, repeated);
  const sent = world.receiver.total - before;
  assert.ok(sent < 3 * CONVERSATIONS.length * USERS.length, `${sent} pushes: they did not fold`);
});

test("a worker that is stopped hands over at once; nothing is told twice", async () => {
  const repeated = world.receiver.repeated.length;
  const [one] = world.workers;
  assert.ok(one !== undefined);
  await sleep(11_000); // Bursts of the tests before are over.
  const talking = (async () => {
    for (let round = 0; round < 3; round += 1)
      for (const conversation of CONVERSATIONS) await say(conversation);
  })();
  await sleep(200);
  await one.stop(20_000);
  await talking;
  await untilAllAreTold(30_000);
  assert.deepEqual(untold(), []);
  assert.equal(world.receiver.repeated.length, repeated);
});

test("Redis is killed and comes back empty: what came meanwhile is told once sessions are known again", async () => {
  const repeated = world.receiver.repeated.length;
  const [redis] = world.servers.redis.parts;
  assert.ok(redis !== undefined);
  await redis.kill();
  for (const conversation of CONVERSATIONS) await say(conversation);
  await sleep(1_000);
  redis.start();
  await untilAllAreTold(SETTLED_WITHIN_MS);
  assert.deepEqual(untold(), []);
  assert.ok(world.receiver.repeated.length - repeated <= IN_FLIGHT_MAX);
});

test("NATS is killed in the middle of it: every message is pushed or folded", async () => {
  const repeated = world.receiver.repeated.length;
  const [nats] = world.servers.nats.parts;
  assert.ok(nats !== undefined);
  for (let round = 0; round < 2; round += 1)
    for (const conversation of CONVERSATIONS) await say(conversation);
  await nats.kill();
  nats.start();
  await nats.ready(20_000);
  await until("the queue answers", 30_000, async () => (await leftOrUndefined()) !== undefined, 250);
  for (const conversation of CONVERSATIONS) await say(conversation);
  await until("the queue is empty", 60_000, async () => (await leftOrUndefined()) === 0, 250);
  assert.deepEqual(untold(), []);
  assert.ok(world.receiver.repeated.length - repeated <= IN_FLIGHT_MAX);
});

test("gone: the registration goes; refused: a dead letter", async () => {
  world.receiver.forget("user4-phone");
  const before = world.receiver.total;
  await say("conversation0", ["user4"]);
  await untilAllAreTold(10_000);
  await say("conversation0", ["user4"]);
  await untilAllAreTold(10_000);
  assert.equal(world.receiver.total, before);
  world.receiver.faults.next({ is: "answer", status: 413 });
  await say("conversation1", ["user5"]);
  await until("a dead letter", 10_000, async () => (await world.deadLetters()) === 1);
});
