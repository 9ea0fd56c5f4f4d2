import { decodeReply, encodeQuery } from "@jichat/protocol/bus/query.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { until } from "@jichat/testkit/until.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import type { QueuedMessage } from "@jichat/protocol/bus/push.ts";
import { decodePushEntries } from "@jichat/protocol/bus/push.ts";
import type { FactsQuery, FactsReply } from "@jichat/protocol/bus/query.ts";
import { metricOf } from "../src/metric.ts";
import { mint } from "../src/mint.ts";
import type { Frame } from "../src/raw.ts";
import { Raw } from "../src/raw.ts";
import { receivePushes } from "../src/receive-pushes.ts";
import { startStack } from "../src/scene.ts";

const MEMBERS_MAX = 1_000;
const ONLINE = 20;
test(
  "a group of 1,000 is created, used and listed, refuses one more member, and queues pushes for absent ones",
  { timeout: 120_000 },
  async (t) => {
    const stack = await startStack(t, { routers: 1, connectors: 2 });
    const token = (user: string): string => mint(stack.secrets.signingKeyFile, { sub: user });
    const users = Array.from({ length: MEMBERS_MAX }, (_, i) => `member-${i}`);
    const sockets = await Promise.all(
      users.slice(0, ONLINE).map(async (user, i) => {
        const socket = new Raw(stack.wsUrls[i % 2] ?? "", [
          i % 3 === 0 ? "jichat.v1.msgpack" : "jichat.v1.json",
        ]);
        await socket.hello(token(user));
        return socket;
      }),
    );
    t.after(() => {
      for (const socket of sockets) socket.close();
    });
    const [creator, other] = sockets;
    assert.ok(creator !== undefined && other !== undefined);
    const { conversation, seq } = await creator.ask({
      t: "create",
      id: "c",
      kind: "group",
      name: "Everybody",
      members: users.slice(1),
    });
    assert.equal(seq, 1);
    assert.equal(
      (await creator.ask({ t: "invite", id: "i", conversation, users: ["one-more"] }))["code"],
      "CONFLICT",
    );
    assert.equal(
      (
        await creator.ask({
          t: "create",
          id: "d",
          kind: "group",
          name: "Too many",
          members: [...users.slice(1), "one-more"],
        })
      )["code"],
      "CONFLICT",
    );

    await receivePushes(stack, users);
    assert.equal(
      (await other.ask({ t: "send", id: "m", conversation, body: { text: "hello all" } }))["seq"],
      2,
    );
    for (const socket of sockets)
      if (socket !== other) await socket.hear((frame) => frame.t === "event" && frame["id"] === "m");
    const page = await creator.ask({ t: "pull", id: "p", conversation });
    assert.equal(((page["events"] as { users?: string[] }[])[0]?.users ?? []).length, MEMBERS_MAX);
    const headers = { authorization: `Bearer ${token("member-7")}` };
    const members = (await (
      await fetch(`${stack.apiUrl}/v1/conversations/${String(conversation)}/members`, { headers })
    ).json()) as { items: unknown[] };
    assert.equal(members.items.length, MEMBERS_MAX);

    const nats = await connect({ servers: stack.natsUrl });
    t.after(async () => nats.close());
    const jsm = await jetstreamManager(nats);
    const { config } = await jsm.streams.info("jichat-PUSH");
    assert.deepEqual([config.discard, config.max_age], ["old", 24 * 3_600_000 * 1_000_000]);
    assert.ok(config.max_bytes > 0);
    const { last_seq: seqOfPush } = await until("a message in the push queue", 5_000, async () => {
      const { state } = await jsm.streams.info("jichat-PUSH");
      return state.messages > 0 ? state : undefined;
    });
    const stored = await jsm.streams.getMessage("jichat-PUSH", { seq: seqOfPush });
    const entries = decodePushEntries(stored?.data ?? assert.fail("it is there"));
    const messages = entries.filter(({ is }) => is === "message") as QueuedMessage[];
    // Who is there may be idle: the worker decides. The author never hears of it.
    const told = messages.flatMap(({ to }) => to);
    assert.deepEqual(told.toSorted(), users.filter((user) => user !== "member-1").toSorted());
    // What the queue lets go is counted: here an operator's purge stands for age and size.
    await until("the router knows that it waits", 30_000, async () => {
      return (await metricOf(stack.routers[0], "jichat_push_waiting")) > 0;
    });
    await jsm.streams.purge("jichat-PUSH");
    const dropped = async (): Promise<number> =>
      (await metricOf(stack.routers[0], "jichat_push_dropped")) || 0;
    await until("what the queue let go is counted", 30_000, async () => (await dropped()) > 0);
    assert.ok((await dropped()) > 0);
    assert.ok(messages.every((entry) => entry.conversation === conversation && entry.seq === 2));
  },
);

const GROUPS = 24;

test(
  "messages that are sent at once to 24 groups of a thousand reach everybody, and so do later ones",
  { timeout: 180_000 },
  async (t) => {
    const stack = await startStack(t, {
      routers: 1,
      connectors: 1,
      env: {
        "*": { PARTITIONS: "1" },
        connector: {
          HANDSHAKES_PER_SECOND: "10000",
          SOCKETS_PER_ADDRESS_MAX: "2000",
          MESSAGES_PER_SECOND: "1000",
          BYTES_PER_SECOND: "16777216",
        },
      },
    });
    // As long as a `create` has room for: the names alone of all who read are more than NATS takes at once.
    const users = Array.from({ length: MEMBERS_MAX }, (_, i) => `member-${i}-`.padEnd(62, "x"));
    const sockets: Raw[] = [];
    t.after(() => {
      for (const socket of sockets) socket.close();
    });
    for (let at = 0; at < users.length; at += 50)
      sockets.push(
        ...(await Promise.all(
          users.slice(at, at + 50).map(async (user) => {
            const socket = new Raw(stack.wsUrls[0] ?? "");
            const told = await socket.hello(mint(stack.secrets.signingKeyFile, { sub: user }));
            assert.equal(told.t, "welcome");
            return socket;
          }),
        )),
      );
    const [creator] = sockets;
    assert.ok(creator !== undefined);
    const conversations: unknown[] = [];
    for (let i = 0; i < GROUPS; i += 1) {
      const group = { t: "create", id: `c${i}`, kind: "group", name: `G${i}`, members: users.slice(1) };
      const made: Frame = await creator.ask(group);
      assert.equal(made.t, "ack", JSON.stringify(made));
      conversations.push(made["conversation"]);
    }
    const sayToAll = async (id: string): Promise<void> => {
      await Promise.all(
        conversations.map(async (conversation, i) => {
          const frame = { t: "send", id: `${id}${i}`, conversation, body: { text: "hello all" } };
          assert.equal((await creator.ask(frame)).t, "ack");
        }),
      );
    };
    await sayToAll("m");
    await sayToAll("n");
    const isTold = ({ frames }: Raw): boolean =>
      frames.filter((frame) => frame["kind"] === "message").length === 2 * GROUPS;
    await until("everybody has heard everything", 30_000, () => sockets.slice(1).every(isTold));
    assert.ok(sockets.every(({ frames }) => frames.every((frame) => frame.t !== "gap")));

    // As an owner asks to whom they are cold: more than one answer of storage's has room for.
    const nats = await connect({ servers: stack.natsUrl });
    t.after(async () => nats.close());
    let asked = conversations.map(String);
    for (let answers = 0; asked.length > 0; answers += 1) {
      const question: FactsQuery = {
        v: 1,
        q: "facts",
        partition: 0,
        position: 0,
        conversations: asked,
        ids: [],
        events: [],
      };
      const { data } = await nats.request(namesOf("jichat").query(0), encodeQuery(question));
      const answer = decodeReply<FactsReply>(data);
      assert.ok("reply" in answer);
      const told = answer.reply;
      assert.ok(told.conversations.every(({ members }) => members.length === MEMBERS_MAX));
      assert.ok(answers > 0 || (told.rest ?? []).length > 0, "all of it is more than one message");
      asked = [...(told.rest ?? [])];
    }
  },
);
