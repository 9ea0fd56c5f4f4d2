import assert from "node:assert/strict";
import { test } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { NatsConnection } from "@nats-io/transport-node";
import { Redis } from "ioredis";
import { decodeActivityAnswer, encodeActivityQuestion } from "@jichat/protocol/bus/activity.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import type { QueuedMessage, QueuedPush, QueuedRead, QueuedReport } from "@jichat/protocol/bus/push.ts";
import { decodePushEntries } from "@jichat/protocol/bus/push.ts";
import { partitionOf } from "@jichat/protocol/ids.ts";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { until } from "@jichat/testkit/until.ts";
import { DarkProxy } from "../src/dark-proxy.ts";
import { mint } from "../src/mint.ts";
import { Raw } from "../src/raw.ts";
import { receivePushes } from "../src/receive-pushes.ts";
import { sleep, startStack } from "../src/scene.ts";

const BEAT_MS = 1_500;
const PATIENCE_MS = 20_000;
/** Whom the connector holds something of, for whom a push may be. `plain` has no device that receives any. */
const PUSHED = ["active", "away", "half", "idle"];

const nameOf = (stack: Stack): ReturnType<typeof namesOf> => namesOf(stack.storage.spec.env["CLUSTER"] ?? "");

/** All that is in the queue, with the subject of each entry. */
async function queueOf(
  stack: Stack,
  nats: NatsConnection,
): Promise<{ subject: string; entry: QueuedPush }[]> {
  const { pushStream } = nameOf(stack);
  const { state } = await (await jetstreamManager(nats)).streams.info(pushStream);
  const found: { subject: string; entry: QueuedPush }[] = [];
  const stream = await jetstream(nats).streams.get(pushStream);
  // An empty stream begins at 0, which is no message.
  for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq += 1) {
    const message = await stream.getMessage({ seq });
    if (message !== null)
      for (const entry of decodePushEntries(message.data)) found.push({ subject: message.subject, entry });
  }
  return found;
}

/** The connector, as routers know it. */
async function connectorOf(stack: Stack): Promise<string> {
  const redis = new Redis(stack.redisPort, "127.0.0.1");
  try {
    const [connector = ""] = await redis.keys("*:c:*");
    return connector.split(":").at(-1) ?? "";
  } finally {
    redis.disconnect();
  }
}

test(
  "who is away, idle, active or behind a half-open connection: the push queue has exactly what a worker needs",
  { timeout: 180_000 },
  async (t) => {
    const stack = await startStack(t, {
      routers: 1,
      connectors: 1,
      env: { connector: { HEARTBEAT_MS: String(BEAT_MS) } },
    });
    const [url = ""] = stack.wsUrls;
    const names = nameOf(stack);
    const nats = await connect({ servers: stack.natsUrl });
    const proxy = await DarkProxy.before(url);
    t.after(async () => {
      proxy.close();
      await nats.close();
    });
    const arrive = async (user: string, at = url): Promise<Raw> => {
      const socket = new Raw(at);
      t.after(() => {
        socket.close();
      });
      const welcome = await socket.hello(mint(stack.secrets.signingKeyFile, { sub: user }), `${user}-phone`);
      assert.equal(welcome.t, "welcome");
      return socket;
    };
    const [ann, idle, active, plain] = [
      await arrive("ann"),
      await arrive("idle"),
      await arrive("active"),
      await arrive("plain"),
    ];
    const half = await arrive("half", proxy.url);
    const { conversation } = await ann.ask({
      t: "create",
      id: "g",
      kind: "group",
      name: "Tea",
      members: [...PUSHED, "plain"],
    });
    const group = String(conversation);
    const partitions = Number(stack.storage.spec.env["PARTITIONS"] ?? 16);
    await receivePushes(stack, PUSHED);
    const connector = await connectorOf(stack);
    await idle.say({ t: "state", active: false });
    await idle.say({ t: "state", id: "s", active: false });

    const say = async (id: string, more: object = {}): Promise<{ seq: number; ts: number }> => {
      const ack = await ann.ask({
        t: "send",
        id,
        conversation: group,
        ...more,
        body: { text: `text ${id}` },
      });
      assert.equal(ack.t, "ack");
      for (const socket of [idle, active, plain])
        await socket.hear((frame) => frame.t === "event" && frame["id"] === id);
      return { seq: Number(ack["seq"]), ts: Number(ack["ts"]) };
    };
    const of = async <T extends QueuedPush>(is: T["is"]): Promise<{ subject: string; entry: T }[]> =>
      (await queueOf(stack, nats)).filter((one): one is { subject: string; entry: T } => one.entry.is === is);

    await t.test("a message is one entry for all who may have to hear of it", async () => {
      const first = await say("m1", { mentions: ["away", "plain"] });
      const [queued, ...more] = await until("the entry", PATIENCE_MS, async () => {
        const found = await of<QueuedMessage>("message");
        return found.length > 0 ? found : undefined;
      });
      assert.deepEqual(more, []);
      assert.ok(queued !== undefined);
      const { trace: _, to, ...entry } = queued.entry;
      assert.equal(queued.subject, names.pushSubject(partitionOf(group, partitions)));
      assert.deepEqual([...to].toSorted(), PUSHED);
      assert.deepEqual(entry, {
        is: "message",
        conversation: group,
        seq: first.seq,
        no: 1,
        from: "ann",
        ts: first.ts,
        mentions: ["away"],
        preview: "text m1",
        name: "Tea",
        members: PUSHED.length + 2,
      });
    });

    await t.test("its connector tells who is there, and who looks", async () => {
      const question = encodeActivityQuestion([...PUSHED, "plain", "nobody"]);
      const { data } = await nats.request(names.activity(connector), question, { timeout: 5_000 });
      const told = decodeActivityAnswer(data).devices.map(
        ({ user, device, isActive }) => `${user} ${device} ${isActive}`,
      );
      assert.deepEqual(told.toSorted(), [
        "active active-phone true",
        "half half-phone true",
        "idle idle-phone false",
        "plain plain-phone true",
      ]);
      assert.deepEqual(
        idle.frames.filter(({ t: kind }) => kind === "error"),
        [],
      );
    });

    await t.test("a read mark that moves is told, of those who receive pushes", async () => {
      assert.equal((await plain.ask({ t: "read", id: "r", conversation: group, seq: 2 })).t, "ack");
      assert.equal((await idle.ask({ t: "read", id: "r", conversation: group, seq: 2 })).t, "ack");
      const reads = await until("the read", PATIENCE_MS, async () => {
        const found = await of<QueuedRead>("read");
        return found.length > 0 ? found : undefined;
      });
      assert.deepEqual(
        reads.map(({ entry }) => entry),
        [{ is: "read", conversation: group, user: "idle", seq: 2, no: 1 }],
      );
    });

    await t.test("only the connection that ends without a sign of life is reported", async () => {
      await half.hear((frame) => frame.t === "event" && frame["id"] === "m1");
      await sleep(3 * BEAT_MS); // It answers a ping: the first message has arrived.
      proxy.isDark = true;
      const second = await say("m2");
      active.close(); // With a close frame, right behind a message.
      await arrive("idle"); // This device resumes: its other connection ends as replaced.
      assert.equal((await idle.closed).code, 4409);
      const reports = await until("the report", PATIENCE_MS, async () => {
        const found = await of<QueuedReport>("report");
        return found.length > 0 ? found : undefined;
      });
      assert.deepEqual(reports, [
        {
          subject: names.pushSubject(partitionOf("half", partitions)),
          entry: { is: "report", user: "half", device: "half-phone", since: second.ts - 1 },
        },
      ]);
      await sleep(2 * BEAT_MS);
      assert.equal((await of<QueuedReport>("report")).length, 1);
      assert.deepEqual(
        (await of<QueuedMessage>("message")).map(({ entry }) => entry.seq),
        [second.seq - 1, second.seq],
      );
    });
  },
);
