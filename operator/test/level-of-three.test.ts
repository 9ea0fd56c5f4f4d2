import assert from "node:assert/strict";
import { test } from "node:test";
import { AckPolicy, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { readNatsUrl } from "@jichat/runtime/nats-url.ts";
import { until } from "@jichat/testkit/until.ts";
import { askServers } from "../src/roll/ask-servers.ts";
import { moveLeaders } from "../src/roll/move-leaders.ts";
import type { ServersTold } from "../src/roll/next-server.ts";
import { KEYS, inputOf } from "./input.ts";
import { ThreeServers } from "./three-servers.ts";

const WAIT_MS = 30_000;
const NAMES = ["chat-nats-0", "chat-nats-1", "chat-nats-2"];
const input = inputOf({ nats: { managed: { replicas: 3 } } });

test(
  "three nats-servers say what is not level, with the copy that is behind, and give up what one of them leads",
  { timeout: 180_000 },
  async (t) => {
    const servers = await ThreeServers.start(input);
    t.after(async () => servers.stop());
    const look = async (): Promise<ServersTold> => askServers(input, (user) => servers.door(KEYS, user));
    const level = async (): Promise<ServersTold> =>
      until("all is level", WAIT_MS, async () => {
        const told = await look();
        return told.behind.length === 0 && told.servers.length === 3 ? told : undefined;
      });
    const first = await level();
    assert.deepEqual(first.servers.toSorted(), NAMES);
    assert.ok(NAMES.includes(first.metaLeader ?? ""), first.metaLeader);

    const nats = await connect(readNatsUrl(servers.url(KEYS, "operator")));
    t.after(async () => nats.close());
    const jsm = await jetstreamManager(nats);
    const settings = { num_replicas: 3, max_bytes: 1_000_000 };
    await jsm.streams.add({ ...settings, name: "A", subjects: ["$KV.none-a.>"] });
    await jsm.streams.add({ ...settings, name: "B", subjects: ["$KV.none-b.>"] });
    await jsm.consumers.add("A", { durable_name: "worker", ack_policy: AckPolicy.Explicit });
    await level();

    await t.test("leaders move", async () => {
      const leaderOf = async (stream: string): Promise<string | undefined> =>
        (await jsm.streams.info(stream)).cluster?.leader;
      const before = await leaderOf("A");
      assert.ok(before !== undefined);
      await moveLeaders(input, before, (user) => servers.door(KEYS, user));
      const after = await until("another leader", WAIT_MS, async () => leaderOf("A").catch(() => undefined));
      assert.notEqual(after, before);
      assert.notEqual(await leaderOf("B"), before);
    });

    await t.test("a server that is gone holds a roll, by name, until it is level", async () => {
      await level();
      await servers.parts[1]?.stop(WAIT_MS);
      const told = await until("it is missed", WAIT_MS, async () => {
        const now = await look();
        return now.behind.includes("A is behind on chat-nats-1") ? now : undefined;
      });
      assert.deepEqual(told.servers.toSorted(), ["chat-nats-0", "chat-nats-2"]);
      assert.ok(told.behind.includes("B is behind on chat-nats-1"));
      assert.ok(
        told.behind.some((line) => line.startsWith("the group of all servers")),
        told.behind.join("; "),
      );
      servers.parts[1]?.start();
      await servers.parts[1]?.ready(WAIT_MS);
      await level();
    });

    await t.test("without an answer nothing is level", async () => {
      const told = await askServers(input, () => ({ url: "nats://127.0.0.1:1", tls: undefined }));
      assert.equal(told.behind.length, 1);
      assert.match(told.behind[0] ?? "", /^NATS does not report whether its streams are level: /);
    });
  },
);
