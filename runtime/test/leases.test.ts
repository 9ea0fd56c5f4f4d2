import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { NatsConnection } from "@nats-io/transport-node";
import { pino } from "pino";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { LogSettings } from "@jichat/protocol/log/streams.ts";
import { LEASE_TTL_MS } from "@jichat/protocol/log/streams.ts";
import { Part } from "../../tools/src/local/part.ts";
import { freePorts } from "../../tools/src/local/ports.ts";
import { needNats } from "../../tools/src/needs.ts";
import type { LeaseHolder } from "../src/leases.ts";
import { Leases } from "../src/leases.ts";
import { connectNats } from "../src/nats.ts";
import { openCluster } from "../src/open-cluster.ts";

const PARTITIONS = 16;
const EVEN_WITHIN_MS = 10_000;
const log = pino({ level: "silent" });
const data = mkdtempSync(join(tmpdir(), "jichat-leases-"));
let server: Part;
let url: string;

before(async () => {
  const nats = await needNats();
  const [port = 0] = await freePorts(1);
  const config = join(data, "nats.conf");
  writeFileSync(
    config,
    `host: 127.0.0.1\nport: ${port}\njetstream { store_dir: ${JSON.stringify(join(data, "js"))} }\n`,
  );
  server = new Part({
    name: "nats",
    program: nats.path,
    args: ["-c", config],
    env: nats.env,
    logFile: join(data, "nats.log"),
    port,
  });
  server.start();
  await server.ready(10_000);
  url = `nats://127.0.0.1:${port}`;
});
after(async () => {
  await server?.kill();
  rmSync(data, { recursive: true, force: true });
});

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

test(
  "owners that start all at once share the partitions evenly: each served, and by one only",
  { timeout: 170_000 },
  async () => {
    for (let round = 0; round < 12; round += 1) {
      const connections: NatsConnection[] = await Promise.all(
        [0, 1, 2].map((i) => connectNats(url, `r${i}`, log)),
      );
      const names = namesOf(`round${round}`);
      await makeBuckets(names, connections[0]);
      const holders = connections.map(() => new Holder());
      const joining = connections.map(async (nats, i) => {
        await new Promise((resolve) => {
          setTimeout(resolve, (i * round * 7) % 90);
        });
        return Leases.join(
          nats,
          names,
          { role: "router", me: `r${i}`, partitions: PARTITIONS },
          holders[i] ?? new Holder(),
          log,
        );
      });
      const leases = await Promise.all(joining);
      await untilEven(holders);
      // One leaves: the others have its share at once.
      await leases[0]?.leave(5_000);
      await untilEven(holders.slice(1));
      await Promise.all(leases.slice(1).map((lease) => lease.leave(0)));
      await Promise.all(connections.map((nats) => nats.close()));
    }
  },
);

test(
  "an owner that dies without a word is replaced when its lease has run out",
  { timeout: 60_000 },
  async () => {
    const connections = await Promise.all(["a", "b"].map((name) => connectNats(url, name, log)));
    const holders = connections.map(() => new Holder());
    const names = namesOf("death");
    await makeBuckets(names, connections[0]);
    const leases = await Promise.all(
      connections.map((nats, i) =>
        Leases.join(
          nats,
          names,
          { role: "router", me: `d${i}`, partitions: PARTITIONS },
          holders[i] ?? new Holder(),
          log,
        ),
      ),
    );
    await untilEven(holders);
    await connections[0]?.close();
    await untilEven(holders.slice(1));
    await leases[1]?.leave(0);
    await leases[0]?.leave(0); // It has no connection any more; it stops trying all the same.
    await connections[1]?.close();
  },
);

test(
  "an outage of NATS that is longer than a lease moves none: nobody could renew, so nobody is dead",
  { timeout: 60_000 },
  async () => {
    const connections = await Promise.all(["a", "b", "c"].map((name) => connectNats(url, name, log)));
    const holders = connections.map(() => new Holder());
    const names = namesOf("outage");
    await makeBuckets(names, connections[0]);
    const leases = await Promise.all(
      connections.map((nats, i) =>
        Leases.join(
          nats,
          names,
          { role: "router", me: `o${i}`, partitions: PARTITIONS },
          holders[i] ?? new Holder(),
          log,
        ),
      ),
    );
    await untilEven(holders);
    await systemClock.sleep(2_000);
    for (const holder of holders) holder.moves = 0;
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
