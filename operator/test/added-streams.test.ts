import assert from "node:assert/strict";
import { test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import { startNatsServers } from "@jichat/testkit/local/servers.ts";
import { askStreams } from "../src/ask-log.ts";
import type { ChatCluster } from "../src/crd/definition.ts";
import { clusterNameOf } from "../src/desired/names.ts";
import { clusterOf, inputOf } from "./input.ts";

const SPEC = { partitions: 2, durability: { replicas: 1, fsync: "interval" } };

test(
  "the log of an older version gets the streams that a newer one adds, keeps the others, and nothing is called lost",
  { timeout: 60_000 },
  async (t) => {
    const servers = await startNatsServers(1);
    t.after(async () => servers.destroy());
    const nats = await connect({ servers: [...servers.urls] });
    t.after(async () => nats.close());
    const jsm = await jetstreamManager(nats);
    const cluster = clusterOf(SPEC);
    const names = namesOf(clusterNameOf(cluster));
    const ask = async (status: object = {}) =>
      askStreams(inputOf({}, { cluster: { ...cluster, status } as ChatCluster }), jsm, nats);
    const first = await ask();
    assert.ok(first.ok && first.log !== undefined, first.message);

    // As the version before push made and remembered it.
    const added = [names.pushDeadStream, `KV_${names.pushDevices}`, `KV_${names.pushLater}`];
    for (const name of added) await jsm.streams.delete(name);
    await nats.request(names.logSubject(0), "a record"); // Only JetStream answers: it is stored.
    const older = { ...first.log, streams: first.log.streams.filter((name) => !added.includes(name)) };
    const upgraded = await ask({ log: older });
    assert.deepEqual([upgraded.ok, upgraded.fault], [true, undefined], upgraded.message);
    assert.deepEqual(upgraded.log, first.log);
    assert.equal((await jsm.streams.info(names.logStream(0))).state.messages, 1);
    const { config } = await jsm.streams.info(names.pushDeadStream);
    assert.deepEqual(
      [config.max_msgs, config.max_bytes, config.max_age, config.discard],
      [10_000, 64 * 1_048_576, 7 * 24 * 3_600 * 1e9, "old"],
    );
    const later = (await jsm.streams.info(`KV_${names.pushLater}`)).config;
    assert.deepEqual([later.max_age, later.max_msgs_per_subject], [24 * 3_600 * 1e9, 1]);

    // What it has been given once, it has.
    await jsm.streams.delete(`KV_${names.pushDevices}`);
    const lost = await ask({ log: upgraded.log });
    assert.equal(lost.fault, "LogLost");
    assert.match(lost.message, new RegExp(`KV_${names.pushDevices}`));
  },
);
