import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { connect } from "@nats-io/transport-node";
import { pino } from "pino";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { LEVEL_KNOWN } from "@jichat/protocol/level.ts";
import { startNatsServers } from "@jichat/testkit/local/servers.ts";
import { until } from "@jichat/testkit/until.ts";
import { raiseLevel, readLayout } from "../src/layout.ts";
import { Level, watchLevel } from "../src/level.ts";
import { openCluster } from "../src/open-cluster.ts";
import { ownerText } from "@jichat/protocol/bus/kv-values.ts";
import { olderOwners } from "../src/owners.ts";
import { provision } from "../src/provision.ts";

const names = namesOf("levels");
const wanted = { partitions: 2, replicas: 1, logBytesMax: 1_048_576 } as const;
const log = pino({ level: "silent" });

async function start(t: TestContext) {
  const servers = await startNatsServers(1);
  t.after(async () => servers.destroy());
  const nats = await connect({ servers: servers.urls[0] ?? "" });
  t.after(async () => nats.close());
  const kvm = new Kvm(nats);
  const bucket = async (name: string) => kvm.open(name);
  return { nats, jsm: await jetstreamManager(nats), kvm, bucket };
}

test("a new cluster begins at the newest level, or at 0 if other builds may run in it", async (t) => {
  const { nats, jsm } = await start(t);
  assert.equal(await readLayout(jsm, namesOf("none")).catch(() => "not there"), "not there");
  const first = { partitions: 2, level: LEVEL_KNOWN };
  assert.deepEqual(await provision({ nats, jsm, names, wanted }), first);
  assert.deepEqual(
    await provision({ nats, jsm, names, wanted: { ...wanted, partitions: 9 } }),
    first,
    "and stays",
  );
  assert.deepEqual(await readLayout(jsm, names), first);
  const other = namesOf("others");
  assert.deepEqual(await provision({ nats, jsm, names: other, wanted, level: 0 }), {
    partitions: 2,
    level: 0,
  });
});

test("a cluster that builds of level 0 created is at level 0, even if its settings are lost", async (t) => {
  const { nats, jsm, kvm } = await start(t);
  await provision({ nats, jsm, names, wanted });
  const settings = await kvm.open(names.settings);
  await settings.put("layout", '{"version":1,"partitions":2}');
  assert.equal((await provision({ nats, jsm, names, wanted })).level, 0);
  await settings.destroy();
  assert.deepEqual(await provision({ nats, jsm, names, wanted }), { partitions: 2, level: 0 });
});

test("a level is raised once, reaches every watcher, and is never lowered", async (t) => {
  const { nats, jsm, bucket } = await start(t);
  await provision({ nats, jsm, names, wanted, level: 0 });
  const stop = new AbortController();
  t.after(() => {
    stop.abort(new Error("the test is over"));
  });
  const { level } = await openCluster(nats, names, wanted, { log, signal: stop.signal });
  assert.deepEqual(level.said, { known: LEVEL_KNOWN, cluster: 0 });

  await Promise.allSettled([raiseLevel(nats, names, 1), raiseLevel(nats, names, 1)]);
  assert.equal(await raiseLevel(nats, names, 1), 1);
  await until("the level is heard", 5_000, async () => level.current === 1, 10);
  assert.equal(await raiseLevel(nats, names, 0), 1, "what is as high stays");
  await assert.rejects(
    raiseLevel(nats, names, LEVEL_KNOWN + 1),
    /above the newest level that this build knows/,
  );
  assert.equal((await readLayout(jsm, names))?.level, 1);

  const heard: number[] = [];
  class Ear extends Level {
    override hear(value: number): "raised" | "same" | "unknown" {
      heard.push(value);
      return super.hear(value);
    }
  }
  const ear = new Ear(1);
  const fail = (): void => {
    assert.fail("every level is known");
  };
  await watchLevel(ear, { nats, names, log, signal: stop.signal, onUnknown: fail });
  const settings = await bucket(names.settings);
  await settings.put("layout", '{"version":1,"partitions":2}'); // As a backup that is put back would.
  await until("the older value is heard", 5_000, async () => heard.at(-1) === 0, 10);
  assert.deepEqual([ear.current, level.current], [1, 1]);
});

test("a build that is too old refuses to start, and stops if it runs", async (t) => {
  const { nats, jsm, bucket } = await start(t);
  await provision({ nats, jsm, names, wanted });
  const settings = await bucket(names.settings);
  const signal = AbortSignal.timeout(10_000);
  let stops = 0;
  const level = new Level(LEVEL_KNOWN);
  const onUnknown = (): void => {
    stops += 1;
  };
  await watchLevel(level, { nats, names, log, signal, onUnknown });
  await settings.put("layout", `{"version":2,"partitions":2,"level":${LEVEL_KNOWN + 1}}`);
  await until("it is told to stop", 5_000, async () => stops === 1, 10);
  assert.equal(level.current, LEVEL_KNOWN);
  await assert.rejects(openCluster(nats, names, wanted, { log, signal }), {
    name: "LevelUnknown",
    message: new RegExp(
      `at level ${LEVEL_KNOWN + 1}, and this build knows levels up to ${LEVEL_KNOWN}: start a build that knows it`,
    ),
  });
  await settings.put("layout", '{"version":3,"partitions":2}');
  await until("it is told to stop", 5_000, async () => stops === 2, 10);
  await assert.rejects(openCluster(nats, names, wanted, { log, signal }), /use a newer JiChat/);
});

test("owners that report no level or a lower one count as older, and an owner that left does not", async (t) => {
  const { nats, jsm, bucket } = await start(t);
  await provision({ nats, jsm, names, wanted });
  assert.deepEqual(await olderOwners(nats, names, 1), []);
  const owners = await bucket(names.owners);
  await owners.put("router.old", "serving");
  await owners.put("storage.leaves", "draining");
  await owners.put("router.new", ownerText(1, false));
  await owners.put("router.gone", "serving");
  await owners.delete("router.gone");
  assert.deepEqual(await olderOwners(nats, names, 1), ["router.old", "storage.leaves"]);
  assert.deepEqual(await olderOwners(nats, names, 2), ["router.new", "router.old", "storage.leaves"]);
});
