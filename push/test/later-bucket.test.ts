import assert from "node:assert/strict";
import { after, before, mock, test } from "node:test";
import { openCluster } from "@jichat/log/open-cluster.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { connectNats } from "@jichat/runtime/nats.ts";
import type { Servers } from "@jichat/testkit/local/servers.ts";
import { startNatsServers } from "@jichat/testkit/local/servers.ts";
import { jetstreamManager } from "@nats-io/jetstream";
import type { ConsumerAPI, ConsumerInfo } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { pino } from "pino";
import { LaterBucket } from "../src/later-bucket.ts";
import type { KeptEntry } from "../src/ports.ts";
import { messageTo } from "./fakes.ts";

const names = namesOf("later");
let servers: Servers;
let nats: NatsConnection;
let later: LaterBucket;

before(async () => {
  servers = await startNatsServers(1);
  const log = pino({ level: "silent" });
  nats = await connectNats(servers.urls[0] ?? "", "test", log);
  const wanted = { partitions: 2, replicas: 1, logBytesMax: 8_388_608 } as const;
  const { jsm } = await openCluster(nats, names, wanted, { log, signal: AbortSignal.timeout(20_000) });
  later = await LaterBucket.open(nats, jsm, names);
});
after(async () => {
  await nats?.close();
  await servers?.destroy();
});

const keep = async (key: string, seq: number, more: Parameters<typeof messageTo>[2] = {}): Promise<void> =>
  later.keep(key, { user: "ann", device: "phone", message: messageTo([], seq, more), count: 1 });

async function entriesOf(partition: number): Promise<readonly KeptEntry[]> {
  const found: KeptEntry[] = [];
  for await (const kept of later.entries(partition)) found.push(kept);
  return found;
}

test("the latest message of a place waits for all of them, whatever their order and however many write", async () => {
  await Promise.all([1, 4, 2, 3].map(async (seq) => keep("0.a", seq)));
  const [kept, ...others] = await entriesOf(0);
  assert.deepEqual([kept?.entry.message.seq, kept?.entry.count, others.length], [4, 4, 0]);
});

test("a mention of one of its messages stays, with its author, whatever their order", async () => {
  const mention = { from: "cat", mentions: ["ann"] };
  await keep("2.a", 1, mention);
  await keep("2.a", 2);
  await keep("2.b", 2);
  await keep("2.b", 1, mention);
  const told = (await entriesOf(2)).map(({ entry: { message } }) => [
    message.seq,
    message.from,
    message.mentions,
  ]);
  assert.deepEqual(told, [
    [2, "cat", ["ann"]],
    [2, "cat", ["ann"]],
  ]);
  for (const kept of await entriesOf(2)) await later.remove(kept);
});

test("entries are those of their partition", async () => {
  await keep("1.b", 1);
  assert.deepEqual(
    (await entriesOf(1)).map(({ key }) => key),
    ["1.b"],
  );
  assert.deepEqual(await entriesOf(7), []);
});

test("an entry that has changed is not removed; one that is removed leaves nothing behind", async () => {
  const [before] = await entriesOf(1);
  assert.ok(before !== undefined);
  await keep("1.b", 2);
  await later.remove(before);
  const [now] = await entriesOf(1);
  assert.equal(now?.entry.message.seq, 2);
  await later.remove(now);
  await later.remove(now);
  assert.equal(await later.count(), 1);
  await keep("1.b", 3);
  assert.deepEqual(
    (await entriesOf(1)).map(({ entry }) => entry.count),
    [1],
  );
});

/** Calls `act` each time a listing has its consumer, before anything is delivered by it. */
async function beforeDelivery(act: (consumer: ConsumerInfo) => Promise<void>) {
  const { consumers } = await jetstreamManager(nats);
  const api = Object.getPrototypeOf(consumers) as ConsumerAPI;
  // oxlint-disable-next-line typescript/unbound-method -- it is called with its own `this`
  const { add } = api;
  return mock.method(api, "add", async function (this: ConsumerAPI, ...args: Parameters<ConsumerAPI["add"]>) {
    const consumer = await add.apply(this, args);
    await act(consumer);
    return consumer;
  });
}

test(
  "a listing ends though what it was about to tell is removed meanwhile",
  { timeout: 20_000 },
  async (t) => {
    for (const key of ["0.c", "0.d"]) await keep(key, 1);
    const all = await entriesOf(0);
    const removing = await beforeDelivery(async () => {
      for (const kept of all) await later.remove(kept);
    });
    t.after(() => {
      removing.mock.restore();
    });
    assert.deepEqual(await entriesOf(0), []);
  },
);

test("a listing tells its last entry though that was lost on its way", { timeout: 20_000 }, async (t) => {
  await keep("0.e", 1);
  let isLost = false;
  const losing = await beforeDelivery(async ({ stream_name: stream, name }) => {
    if (isLost) return;
    isLost = true;
    const js = (await jetstreamManager(nats)).jetstream();
    await (await js.consumers.get(stream, name)).next();
  });
  t.after(() => {
    losing.mock.restore();
  });
  assert.deepEqual(
    (await entriesOf(0)).map(({ key }) => key),
    ["0.e"],
  );
});
