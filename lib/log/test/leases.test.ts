import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { NatsConnection } from "@nats-io/transport-node";
import { pino } from "pino";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { LogSettings } from "@jichat/protocol/log/streams.ts";
import { LEASE_RENEW_MS, LEASE_TTL_MS } from "@jichat/protocol/log/streams.ts";
import type { Servers } from "@jichat/testkit/local/servers.ts";
import { startNatsServers } from "@jichat/testkit/local/servers.ts";
import type { LeaseHolder } from "../src/leases.ts";
import { Leases } from "../src/leases.ts";
import { Bucket } from "@jichat/runtime/bucket.ts";
import { connectNats } from "@jichat/runtime/nats.ts";
import { ownerText } from "@jichat/protocol/bus/kv-values.ts";
import { openCluster } from "../src/open-cluster.ts";

const PARTITIONS = 16;
const EVEN_WITHIN_MS = 10_000;
const log = pino({ level: "silent" });
let servers: Servers;
let url: string;

before(async () => {
  servers = await startNatsServers(1);
  [url = ""] = servers.urls;
});
after(async () => servers?.destroy());

/** Serves what it is told to: two who serve the same partition are one too many. */
class Holder implements LeaseHolder {
  readonly serving = new Set<number>();
  moves = 0;
  acquire(partition: number): void {
    this.moves += 1;
    this.serving.add(partition);
  }
  async give(partition: number): Promise<void> {
    this.moves += 1;
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
    this.serving.delete(partition);
  }
  lose(partition: number): void {
    this.moves += 1;
    this.serving.delete(partition);
  }
}

async function untilEven(holders: readonly Holder[]): Promise<void> {
  const end = performance.now() + EVEN_WITHIN_MS;
  for (;;) {
    const all = holders.flatMap(({ serving }) => [...serving]);
    const counts = holders.map(({ serving }) => serving.size);
    if (
      new Set(all).size === PARTITIONS &&
      all.length === PARTITIONS &&
      Math.max(...counts) - Math.min(...counts) <= 1
    )
      return;
    if (performance.now() > end)
      assert.fail(
        `served: ${holders.map(({ serving }) => [...serving].sort((a, b) => a - b).join(" ")).join(" | ")}`,
      );
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}

async function makeBuckets(names: Names, nats: NatsConnection | undefined): Promise<void> {
  assert.ok(nats);
  const wanted = { partitions: PARTITIONS, replicas: 1, logBytesMax: 8_388_608 } satisfies LogSettings;
  await openCluster(nats, names, wanted, { log, signal: AbortSignal.timeout(10_000) });
}

/** So many who would own the partitions of `names`, each on a connection of its own, `delayMs` after the start. */
async function joinAll(
  names: Names,
  count: number,
  delayMs: (i: number) => number = () => 0,
): Promise<{ connections: NatsConnection[]; holders: Holder[]; leases: Leases[] }> {
  const all = Array.from({ length: count }, (_, i) => `${names.cluster}-${i}`);
  const connections = await Promise.all(all.map((name) => connectNats(url, name, log)));
  await makeBuckets(names, connections[0]);
  const holders = all.map(() => new Holder());
  const leases = await Promise.all(
    connections.map(async (nats, i) => {
      await systemClock.sleep(delayMs(i));
      const member = { role: "router", me: all[i] ?? "", partitions: PARTITIONS, known: 1 } as const;
      return Leases.join(nats, names, { options: member, holder: holders[i] ?? new Holder(), log });
    }),
  );
  return { connections, holders, leases };
}

test(
  "owners that start together share the partitions evenly, and each partition has one owner",
  { timeout: 170_000 },
  async () => {
    for (let round = 0; round < 12; round += 1) {
      const { connections, holders, leases } = await joinAll(
        namesOf(`round${round}`),
        3,
        (place) => (place * round * 7) % 90,
      );
      await untilEven(holders);
      // One leaves: the others have its share at once.
      await leases[0]?.leave(5_000);
      await untilEven(holders.slice(1));
      await Promise.all(leases.slice(1).map((lease) => lease.leave(0)));
      await Promise.all(connections.map((nats) => nats.close()));
    }
  },
);

/** Signs of life were given by now, and no connection is too new to be trusted. */
const acquainted = (): Promise<void> => systemClock.sleep(1_000);

test(
  "an owner whose connection ends is replaced long before its lease expires",
  { timeout: 60_000 },
  async () => {
    const { connections, holders, leases } = await joinAll(namesOf("death"), 3);
    await untilEven(holders);
    await acquainted();
    await connections[0]?.close();
    const died = performance.now();
    await untilEven(holders.slice(1));
    const tookMs = performance.now() - died;
    // A lease that was renewed just before expires after 4 s. The bound leaves room for a slow machine.
    assert.ok(tookMs < LEASE_TTL_MS - LEASE_RENEW_MS, `it took ${tookMs.toFixed(0)} ms`);
    await leases[1]?.leave(0);
    await leases[2]?.leave(0);
    await leases[0]?.leave(0); // It has no connection any more; it stops trying all the same.
    await connections[1]?.close();
    await connections[2]?.close();
  },
);

/**
 * An owner that holds half of the partitions of `names` beside a real one, and renews its key as long as it is
 * told to. Whether it gives signs of life is up to the test.
 */
async function besideGhost(names: Names) {
  const ghost = "a-ghost";
  const nats = await connectNats(url, ghost, log);
  await makeBuckets(names, nats);
  const [owners, leases] = await Promise.all([
    Bucket.open(nats, names.owners),
    Bucket.open(nats, names.leases),
  ]);
  const renew = async (): Promise<number> => owners.kv.put(`router.${ghost}`, ownerText(1, false));
  await renew();
  for (let partition = 0; partition < PARTITIONS / 2; partition += 1)
    await leases.kv.put(`router.${partition}`, ghost);
  const renewing = setInterval(() => void renew(), LEASE_RENEW_MS / 2);
  const holder = new Holder();
  const options = { role: "router", me: "living", partitions: PARTITIONS, known: 1 } as const;
  const connection = await connectNats(url, "living", log);
  const living = await Leases.join(connection, names, { options, holder, log });
  const end = async (): Promise<void> => {
    clearInterval(renewing);
    await living.leave(0);
    await Promise.all([nats.close(), connection.close()]);
  };
  return { ghost, nats, holder, end };
}

test(
  "an owner that never gave a sign of life, as one of an earlier build, keeps its partitions",
  { timeout: 60_000 },
  async () => {
    const { holder, end } = await besideGhost(namesOf("earlier"));
    await systemClock.sleep(LEASE_TTL_MS);
    assert.equal(holder.serving.size, PARTITIONS / 2);
    await end();
  },
);

test(
  "an owner that is connected and silent keeps its partitions; without a connection it loses them",
  { timeout: 60_000 },
  async () => {
    const names = namesOf("silent");
    const { ghost, nats, holder, end } = await besideGhost(names);
    let isSilent = false;
    const subscription = nats.subscribe(names.alive(ghost), {
      callback: (_, message) => void (isSilent || message.respond()),
    });
    await acquainted();
    isSilent = true;
    await systemClock.sleep(LEASE_TTL_MS);
    assert.equal(holder.serving.size, PARTITIONS / 2);
    isSilent = false;
    await acquainted();
    subscription.unsubscribe();
    // Its key is deleted once, and it renews it: then it is left in peace, with its share.
    const until = performance.now() + EVEN_WITHIN_MS;
    while (holder.serving.size === PARTITIONS / 2 && performance.now() < until) await systemClock.sleep(20);
    assert.ok(holder.serving.size > PARTITIONS / 2, "an owner without a subscription was not struck off");
    await end();
  },
);

test(
  "an owner that was struck off though it lives says so at once, and has its share again",
  { timeout: 60_000 },
  async () => {
    const names = namesOf("struck");
    const { connections, holders, leases } = await joinAll(names, 2);
    await untilEven(holders);
    const [nats] = connections;
    assert.ok(nats !== undefined);
    const owners = await Bucket.open(nats, names.owners);
    await owners.kv.delete(`router.${names.cluster}-0`);
    const struckAt = performance.now();
    for (;;) {
      const entry = await owners.kv.get(`router.${names.cluster}-0`);
      if (entry?.operation === "PUT") break;
      assert.ok(performance.now() - struckAt < LEASE_RENEW_MS, "it waited for its next renewal");
      await systemClock.sleep(10);
    }
    await untilEven(holders);
    await Promise.all(leases.map((lease) => lease.leave(0)));
    await Promise.all(connections.map((each) => each.close()));
  },
);

test(
  "an outage of NATS that is longer than a lease moves no lease, since nobody could renew one",
  { timeout: 60_000 },
  async () => {
    const { connections, holders, leases } = await joinAll(namesOf("outage"), 3);
    await untilEven(holders);
    await systemClock.sleep(2_000);
    for (const holder of holders) holder.moves = 0;
    const [server] = servers.parts;
    assert.ok(server !== undefined);
    await server.kill();
    await systemClock.sleep(1.5 * LEASE_TTL_MS);
    server.start();
    await server.ready(10_000);
    await systemClock.sleep(2 * LEASE_TTL_MS);
    assert.deepEqual(
      holders.map(({ moves }) => moves),
      [0, 0, 0],
    );
    await untilEven(holders);
    await Promise.all(leases.map((lease) => lease.leave(0)));
    await Promise.all(connections.map((nats) => nats.close()));
  },
);
