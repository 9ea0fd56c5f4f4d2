import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatClient } from "@jichat/client/chat-client.ts";
import type { ConnectionState } from "@jichat/client/types.ts";
import { DarkProxy } from "../src/dark-proxy.ts";
import { metricOf } from "../src/metric.ts";
import { mint } from "../src/mint.ts";
import { Bytes, Raw } from "../src/raw.ts";
import { sleep, startStack } from "../src/scene.ts";

const BEAT_MS = 1_500;
const DEAD_MS = 8_000;
/** What a machine that does many other things may add to a timer. */
const SLACK_MS = 5_000;
const PING = 0x89;

test(
  "a client that only answers pings stays, like a hidden tab, and one that answers nothing is closed with 1001",
  { timeout: 180_000 },
  async (t) => {
    const stack = await startStack(t, {
      routers: 1,
      connectors: 1,
      env: { connector: { HEARTBEAT_MS: String(BEAT_MS) } },
    });
    const url = stack.wsUrls[0] ?? "";
    const token = (sub: string): string => mint(stack.secrets.signingKeyFile, { sub });
    const hidden = new Raw(url); // Node's WebSocket answers pings by itself, as browsers do.
    assert.equal((await hidden.hello(token("hidden"))).t, "welcome");

    const deaf = await Bytes.open(url);
    let pings = 0;
    deaf.socket.on("data", (chunk: Buffer) => (pings += chunk.filter((byte) => byte === PING).length));
    const began = performance.now();
    deaf.socket.write(Bytes.frame(JSON.stringify({ t: "hello", token: token("deaf"), device: "d" })));
    await deaf.ended;
    const tookMs = performance.now() - began;
    assert.ok(tookMs > 2 * BEAT_MS && tookMs < 2 * BEAT_MS + DEAD_MS, `closed after ${tookMs.toFixed(0)} ms`);
    assert.ok(pings >= 1, "it was asked before");
    const closed = (): Promise<number> =>
      metricOf(stack.connectors[0], "jichat_connector_closes", 'code="1001"');
    assert.equal(await closed(), 1);

    await sleep(4 * BEAT_MS);
    assert.deepEqual(
      hidden.frames.map(({ t }) => t),
      ["welcome"],
      "all that it had from the server",
    );
    const friend = new Raw(url);
    await friend.hello(token("friend"));
    const ack = await friend.ask({ t: "send", id: "1", to: "hidden", body: { text: "still there?" } });
    assert.equal(ack.t, "ack");
    await hidden.hear(({ t, kind }) => t === "event" && kind === "message");
    hidden.close();

    // What the connector sleeps through is no silence of theirs. Its key lapses meanwhile: they are told to sync.
    const sleeper = new Raw(url);
    assert.equal((await sleeper.hello(token("sleeper"))).t, "welcome");
    stack.connectors[0]?.signal("SIGSTOP");
    await sleep(5 * BEAT_MS);
    stack.connectors[0]?.signal("SIGCONT");
    assert.equal((await sleeper.ask({ t: "ping", id: "p" })).t, "pong");
    await sleep(BEAT_MS);
    assert.equal((await sleeper.ask({ t: "ping", id: "q" })).t, "pong");
    assert.equal(await closed(), 1);
    for (const socket of [friend, sleeper]) socket.close();
  },
);

test(
  "a network that drops everything is noticed within 10 s of a frame, or when idle within heartbeat and 10 s",
  { timeout: 240_000 },
  async (t) => {
    const stack = await startStack(t, { routers: 1, connectors: 1 });
    const proxy = await DarkProxy.before(stack.wsUrls[0] ?? "");
    t.after(() => {
      proxy.close();
    });
    const clientOf = (user: string): ChatClient => {
      const client = new ChatClient({
        urls: [proxy.url],
        device: "phone",
        token: async () => mint(stack.secrets.signingKeyFile, { sub: user }),
      });
      t.after(() => {
        client.close();
      });
      return client;
    };
    const [idle, busy] = [clientOf("idle"), clientOf("busy")];
    await Promise.all([idle.connect(), busy.connect()]);
    assert.equal((await busy.send({ to: "idle" }, { text: "light" })).duplicate, false);
    const heartbeatMs = 25_000;

    proxy.isDark = true;
    const began = performance.now();
    const sent = busy.send({ to: "idle" }, { text: "dark" });
    const reaches = async (client: ChatClient, wanted: ConnectionState): Promise<number> => {
      for await (const notice of client.events())
        if (notice.t === "state" && notice.state === wanted) return performance.now() - began;
      return Number.POSITIVE_INFINITY;
    };
    const [busyMs, idleMs] = await Promise.all([reaches(busy, "offline"), reaches(idle, "offline")]);
    t.diagnostic(
      `noticed after ${busyMs.toFixed(0)} ms with a frame unanswered, ${idleMs.toFixed(0)} ms idle`,
    );
    assert.ok(busyMs >= DEAD_MS - 500 && busyMs < DEAD_MS + SLACK_MS);
    assert.ok(idleMs < heartbeatMs + DEAD_MS + SLACK_MS);

    proxy.isDark = false;
    const { duplicate, seq } = await sent;
    assert.deepEqual([duplicate, seq], [false, 3], "sent once more, stored once");
    if (idle.state !== "online") await reaches(idle, "online");
  },
);
