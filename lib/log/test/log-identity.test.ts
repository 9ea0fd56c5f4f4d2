import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import type { Part } from "@jichat/testkit/local/part.ts";
import { startNatsServers } from "@jichat/testkit/local/servers.ts";
import { readIdentity } from "../src/log-identity.ts";
import { provision, putBackStreams } from "../src/provision.ts";

const PARTITIONS = 4;
const names = namesOf("identity");
const wanted = { partitions: PARTITIONS, replicas: 1, logBytesMax: 1_048_576 } as const;

async function startNats(t: TestContext): Promise<{ nats: Part; url: string }> {
  const servers = await startNatsServers(1);
  t.after(async () => servers.destroy());
  const { parts, urls } = servers;
  const [nats] = parts;
  const [url = ""] = urls;
  assert.ok(nats !== undefined);
  return { nats, url };
}

test("the identity of the logs changes only if one is created again or a restore is reported", async (t) => {
  const { nats: server, url } = await startNats(t);
  const open = async () => {
    const nats = await connect({ servers: url });
    t.after(async () => nats.close());
    return { nats, jsm: await jetstreamManager(nats) };
  };
  let { nats, jsm } = await open();
  const identity = async (): Promise<string> => readIdentity(jsm, names, PARTITIONS);
  await provision({ nats, jsm, names, wanted });
  const first = await identity();

  for (let i = 0; i < 3; i += 1) await jetstream(nats).publish(names.logSubject(1), `record ${i}`);
  await jsm.streams.purge(names.logStream(1), { seq: 3 });
  await provision({ nats, jsm, names, wanted });
  const larger = { ...wanted, logBytesMax: 2_097_152 };
  assert.equal((await putBackStreams(jsm, names, larger, false)).length, PARTITIONS);
  assert.equal(await identity(), first, "written to, trimmed, changed");

  await server.stop(5_000);
  server.start();
  await server.ready(20_000);
  ({ nats, jsm } = await open());
  assert.equal(await identity(), first, "started again");

  const seen = new Set([first]);
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    await jsm.streams.delete(names.logStream(partition));
    await provision({ nats, jsm, names, wanted });
    seen.add(await identity());
  }
  await jetstream(nats).publish(`$KV.${names.settings}.restored`, "today");
  seen.add(await identity());
  await jetstream(nats).publish(`$KV.${names.settings}.restored`, "today");
  seen.add(await identity());
  assert.equal(seen.size, 1 + PARTITIONS + 2);
});
