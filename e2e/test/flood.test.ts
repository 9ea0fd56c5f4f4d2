import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Stack } from "@jichat/testkit/local/stack.ts";
import { startThrowaway } from "@jichat/testkit/local/throwaway.ts";
import { metricOf } from "../src/metric.ts";
import { mint } from "../src/mint.ts";
import { Bytes, Raw } from "../src/raw.ts";
import { sleep } from "../src/scene.ts";

let stack: Stack;
let destroy: () => Promise<void>;
const url = (): string => stack.wsUrls[0] ?? "";
const token = (user: string): string => mint(stack.secrets.signingKeyFile, { sub: user });
const ACK_MS = 1_000;

before(async () => {
  ({ stack, destroy } = await startThrowaway());
});
after(async () => destroy?.());

const closes = async (code: number): Promise<number> =>
  (await metricOf(stack.connectors[0], "jichat_connector_closes", `code="${code}"`)) || 0;
const frames = (count: number, of: (i: number) => object): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, i) => Bytes.frame(JSON.stringify(of(i)))));

/** The longest ack of a neighbour who writes while `act` runs. */
async function besideOthers(act: () => Promise<void>): Promise<number> {
  const socket = new Raw(url());
  assert.equal((await socket.hello(token("neighbour"))).t, "welcome");
  let worst = 0;
  const over = new AbortController();
  const crowd = act().finally(() => {
    over.abort();
  });
  for (let i = 0; !over.signal.aborted || i < 5; i += 1) {
    const started = performance.now();
    const { t } = await socket.ask({ t: "send", id: `n${started}`, to: "friend", body: {} });
    assert.equal(t, "ack");
    worst = Math.max(worst, performance.now() - started);
    await sleep(40);
  }
  await crowd;
  socket.close();
  return worst;
}

for (const [what, first] of Object.entries<string | object>({
  "an unknown frame": { t: "x" },
  "no frame": "{",
  "a ping": { t: "ping" },
  "a send": { t: "send", id: "1", to: "bob", body: {} },
  "a hello without a device": { t: "hello", token: "x" },
  "an empty map": {},
  "a long one": { t: "hello", token: "x".repeat(100_000), device: "d" },
}))
  test(`a first frame that is ${what} closes with 4401, and later frames are ignored`, async () => {
    const socket = await new Raw(url()).opened();
    await socket.write(typeof first === "string" ? first : JSON.stringify(first));
    for (let i = 0; i < 20; i += 1) await socket.write('{"t":"x"}');
    assert.equal((await socket.closed).code, 4401);
    assert.equal(socket.frames.length, 1);
  });

test("a client that floods before its hello is closed with 4401 each time, and nobody else waits", async () => {
  const before = await closes(4401);
  const flood = frames(5_000, () => ({ t: "x" }));
  const worst = await besideOthers(async () => {
    for (let round = 0; round < 40; round += 1) {
      const socket = await Bytes.open(url());
      socket.socket.write(flood);
      await socket.ended;
    }
  });
  assert.ok((await closes(4401)) - before >= 40);
  assert.ok(worst < ACK_MS, `a neighbour waited ${worst.toFixed(0)} ms`);
});

const FLOOD = 2_000;
const REFUSED: Readonly<Record<string, (i: number) => object>> = {
  "sends to where one is no member": (i) => ({ t: "send", id: `${i}`, conversation: "g_1", body: {} }),
  "sends too fast": (i) => ({ t: "send", id: `${i}`, to: "sink", body: {} }),
  "unknown frames": (i) => ({ t: "x", id: `${i}` }),
  "pings that are read as JSON": (i) => ({ t: "ping", id: `${i}`, more: true }),
  "plain pings": (i) => ({ t: "ping", id: `${i}` }),
  "a second hello": () => ({ t: "hello", token: "x", device: "d" }),
};
const floods = Object.entries(REFUSED).map(([what, of]) => [what, frames(FLOOD, of)] as const);
const PINGS = Buffer.concat(Array.from({ length: FLOOD }, () => Bytes.frame("", { opcode: 9 })));
for (const [what, flood] of [...floods, ["WebSocket pings", PINGS] as const])
  test(`a client that floods with ${what} is closed with 4429, and nobody else waits`, async () => {
    const before = await closes(4429);
    const worst = await besideOthers(async () => {
      const socket = await Bytes.open(url());
      const hello = { t: "hello", token: token("flood"), device: `f${Math.random()}`.replace(".", "") };
      socket.socket.write(Bytes.frame(JSON.stringify(hello)));
      await sleep(200);
      for (let i = 0; i < 50 && !socket.socket.destroyed; i += 1) {
        socket.socket.write(flood);
        await sleep(5);
      }
      await socket.ended;
    });
    assert.equal((await closes(4429)) - before, 1);
    assert.ok(worst < ACK_MS, `a neighbour waited ${worst.toFixed(0)} ms`);
  });

test("no send overtakes a refused one among more sends at once than a turn reads", async () => {
  const socket = new Raw(url());
  assert.equal((await socket.hello(token("many"))).t, "welcome");
  const count = 250; // The user's burst is 100.
  for (let i = 0; i < count; i += 1) await socket.say({ t: "send", id: `m${i}`, to: "sink", body: {} });
  await socket.hear(() => socket.frames.filter(({ t }) => t === "ack" || t === "error").length >= count);
  const acked = socket.frames.filter(({ t }) => t === "ack").map(({ id }) => id);
  assert.ok(acked.length >= 100 && acked.length < count);
  assert.deepEqual(
    acked,
    acked.map((_, i) => `m${i}`),
  );
  socket.close();
});

test("a 21st device closes the oldest with 4409, and the other twenty go on", async () => {
  const devices: Raw[] = [];
  for (let i = 0; i < 21; i += 1) {
    const socket = new Raw(url());
    assert.equal((await socket.hello(token("hoarder"), `d${i}`)).t, "welcome");
    devices.push(socket);
  }
  const [oldest, ...others] = devices;
  assert.equal((await oldest?.closed)?.code, 4409);
  for (const socket of others) assert.equal((await socket.ask({ t: "ping", id: "p" })).t, "pong");
  for (const socket of others) socket.close();
});

test("NOT_FOUND takes the same time for a hidden and a missing conversation, and nothing else waits", async () => {
  const [ann, eve] = [new Raw(url()), new Raw(url())];
  await ann.hello(token("ann"));
  await eve.hello(token("eve"));
  const { conversation } = await ann.ask({
    t: "create",
    id: "c",
    kind: "group",
    name: "G",
    members: ["bob"],
  });
  let asked = 0;
  for (const where of [conversation, "g_nowhere", "nonsense"])
    for (const frame of [{ t: "pull" }, { t: "send", body: {} }, { t: "leave" }]) {
      const started = performance.now();
      const late = eve.ask({ ...frame, id: `e${(asked += 1)}`, conversation: where });
      assert.equal((await eve.ask({ t: "ping", id: `p${asked}` })).t, "pong");
      assert.ok(performance.now() - started < 200, "a pong does not wait");
      assert.equal((await late)["code"], "NOT_FOUND");
      assert.ok(performance.now() - started >= 249);
    }
  for (const socket of [ann, eve]) socket.close();
});
