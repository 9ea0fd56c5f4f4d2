import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { NatsConnection } from "@nats-io/transport-node";
import { pino } from "pino";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { LogSettings } from "@jichat/protocol/log/streams.ts";
import { LEASE_TTL_MS } from "@jichat/protocol/log/streams.ts";
import type { Servers } from "@jichat/testkit/local/servers.ts";
import { startNatsServers } from "@jichat/testkit/local/servers.ts";
import type { LeaseHolder } from "../src/leases.ts";
import { Leases } from "../src/leases.ts";
import { connectNats } from "@jichat/runtime/nats.ts";
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

test("an owner that dies is replaced when its lease has expired", { timeout: 60_000 }, async () => {
  const { connections, holders, leases } = await joinAll(namesOf("death"), 2);
  await untilEven(holders);
  await connections[0]?.close();
  await untilEven(holders.slice(1));
  await leases[1]?.leave(0);
  await leases[0]?.leave(0); // It has no connection any more; it stops trying all the same.
  await connections[1]?.close();
});

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
