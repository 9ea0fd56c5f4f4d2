import { encodeBatch } from "@jichat/protocol/log/encode-batch.ts";
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { pino } from "pino";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { Part } from "@jichat/testkit/local/part.ts";
import type { ConversationShot } from "@jichat/protocol/log/snapshot.ts";
import type { Servers } from "@jichat/testkit/local/servers.ts";
import { startNatsServers } from "@jichat/testkit/local/servers.ts";
import { until } from "@jichat/testkit/until.ts";
import { Hearing } from "@jichat/runtime/hearing.ts";
import { connectNats } from "@jichat/runtime/nats.ts";
import { openCluster } from "../src/open-cluster.ts";
import { PartitionLog } from "../src/partition-log.ts";
import { Snapshots } from "../src/snapshots.ts";

const GOES_ON_WITHIN_MS = 10_000;
const log = pino({ level: "silent" });
const names: Names = namesOf("readers");
let cluster: Servers;
let nats: NatsConnection;
let jsm: JetStreamManager;

before(async () => {
  cluster = await startNatsServers(3);
  // Not the one that is killed: what its death does to a connection is another matter.
  nats = await connectNats(cluster.urls[0] ?? "", "test", log);
  const settings = { partitions: 2, replicas: 3, logBytesMax: 16_777_216 } as const;
  ({ jsm } = await openCluster(nats, names, settings, { log, signal: AbortSignal.timeout(60_000) }));
});
after(async () => {
  await nats?.close();
  await cluster?.destroy();
});

const batchOf = (number: number): Uint8Array =>
  encodeBatch({ v: 1, owner: "test", number, done: 0, ts: 0, records: [] });

/** Behind what stands there, whatever elections there are meanwhile. */
async function append(partition: PartitionLog): Promise<number> {
  const end = performance.now() + 30_000;
  for (;;)
    try {
      const expected = await partition.end();
      const result = await partition.append(batchOf(expected), expected);
      if (result.outcome === "stored") return result.position;
    } catch (error) {
      if (performance.now() > end) throw error;
      await systemClock.sleep(100);
    }
}

/** Where each reader of a stream lives, by its name. */
async function placesOf(stream: string): Promise<Map<string, string>> {
  const places = new Map<string, string>();
  for await (const { name, cluster: where } of jsm.consumers.list(stream))
    places.set(name, where?.leader ?? "");
  return places;
}

/** Servers get readers by chance: `read` is called until one of its readers is on a server to kill. */
async function readElsewhere(stream: string, read: () => Promise<void>): Promise<Part> {
  const ours = cluster.parts[0]?.spec.name;
  for (let tries = 0; tries < 30; tries += 1) {
    await read();
    for (const place of (await placesOf(stream)).values())
      for (const part of cluster.parts) if (part.spec.name === place && place !== ours) return part;
  }
  throw new Error(`all readers of ${stream} are on ${ours}`);
}

async function back(part: Part): Promise<void> {
  part.start();
  await part.ready(20_000);
  await until("three copies of each", 60_000, async () => {
    const { cluster: copies } = await jsm.streams.info(names.logStream(0));
    return copies?.replicas?.every(({ current }) => current) === true;
  });
}

class Reading {
  readonly hearing = new Hearing();
  read = 0;

  /** Reads from the beginning. What is not the next position fails whoever waits for it. */
  async run(partition: PartitionLog, signal: AbortSignal): Promise<void> {
    for await (const { position } of partition.follow(1, signal, this.hearing)) {
      if (position !== this.read + 1) throw new Error(`${position} follows ${this.read}`);
      this.read = position;
    }
  }
}

test("a snapshot of many pieces is read as it was saved", async () => {
  const snapshots = await Snapshots.open(nats, names);
  assert.equal(await snapshots.load(1), undefined);
  const conversations = Array.from({ length: 20 }, (_, at): ConversationShot => ({
    id: `g_${at}`,
    kind: "group",
    name: randomBytes(50_000).toString("hex"),
    creator: "ann",
    head: 1,
    no: 0,
    ts: 1,
    position: 7,
    members: [["ann", { first: 1, mark: 1, markNo: 0 }]],
    knownFrom: 0,
    idsFrom: 0,
    ids: [],
  }));
  await snapshots.save(1, { v: 1, position: 7, done: 7, conversations });
  const loaded = (await snapshots.load(1)) ?? assert.fail("it was saved");
  const read: ConversationShot[] = [];
  for await (const conversation of loaded.conversations) read.push(conversation);
  assert.ok(
    isDeepStrictEqual({ ...loaded, conversations: read }, { v: 1, position: 7, done: 7, conversations }),
  );
});

test(
  "a reader whose server was killed continues within seconds, without a hole",
  { timeout: 120_000 },
  async () => {
    const stop = new AbortController();
    const partition = new PartitionLog(jsm, names, 0);
    await append(partition);
    const readings: Reading[] = [];
    const doomed = await readElsewhere(names.logStream(0), async () => {
      const reading = new Reading();
      readings.push(reading);
      void reading.run(partition, stop.signal);
      await until("the log is read", GOES_ON_WITHIN_MS, () => reading.read === 1);
    });
    await doomed.kill();
    const end = await append(partition);
    await until(`all readers have come to ${end}`, GOES_ON_WITHIN_MS, () =>
      readings.every(({ read, hearing }) => read === end && hearing.isHeard),
    );
    stop.abort();
    await back(doomed);
  },
);
