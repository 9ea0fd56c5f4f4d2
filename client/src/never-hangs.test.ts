import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatError } from "@jichat/protocol/errors.ts";
import { BAD } from "../test/model-bodies.ts";
import { NONSENSE } from "../test/model-server.ts";
import { Scene, watch } from "../test/scene.ts";
import type { Outcome } from "../test/scene.ts";
import { msgpack } from "./msgpack.ts";
import type { Body, WriteResult } from "./types.ts";

const HERE = { to: "bob" };

function rejected({ status, value }: Outcome, code: string, message: RegExp): void {
  assert.equal(status, "rejected");
  assert.ok(value instanceof ChatError, String(value));
  assert.equal(value.code, code);
  assert.match(value.message, message);
}

test("a closed client rejects connects, writes and questions, and ends each feed, even a new one", async () => {
  for (const wasOnline of [false, true]) {
    const scene = new Scene();
    if (wasOnline) await scene.online();
    scene.client.close();
    const { client, clock } = scene;
    const asked = [client.connect(), client.send(HERE, {}), client.pull("d_bob"), client.list()].map(watch);
    await clock.settle();
    for (const outcome of asked) rejected(outcome, "UNAVAILABLE", /this client is closed/);
    const late = client.events();
    assert.deepEqual(await late.next(), {
      value: { t: "state", state: "closed", error: undefined },
      done: false,
    });
    assert.equal((await late.next()).done, true);
    assert.equal(scene.states.at(-1), "closed");
    assert.equal(clock.sleepers, 0);
    const dialled = scene.server.dialledAt.length;
    await clock.pass(60_000);
    assert.equal(scene.server.dialledAt.length, dialled);
  }
});

test("a close rejects everything that is pending, and leaves no timer", async () => {
  const scene = await new Scene().online();
  const { client, clock, server } = scene;
  server.temper = "silent";
  const pending = [
    client.send(HERE, { n: 1 }),
    client.pull("d_bob"),
    client.list(),
    client.edit("d_bob", 2, {}),
  ];
  const outcomes = pending.map(watch);
  const feed = client.events();
  const reads = watch(Promise.all([feed.next(), feed.next(), feed.next()]));
  await clock.settle();
  client.close();
  await clock.settle();
  for (const outcome of outcomes) rejected(outcome, "UNAVAILABLE", /this client is closed/);
  assert.equal(reads.status, "resolved", "all three that wait: the notice of the end, and the end twice");
  assert.equal(clock.sleepers, 0);
});

test("a close during a request for a token or the opening of a connection ends the connect and every wait", async () => {
  const asking = new Scene({ token: () => new Promise(() => undefined) });
  const opening = new Scene();
  opening.server.temper = "silent";
  for (const { client, clock } of [asking, opening]) {
    const connected = watch(client.connect());
    await clock.pass(500);
    client.close();
    await clock.settle();
    rejected(connected, "UNAVAILABLE", /this client is closed/);
    assert.equal(clock.sleepers, 0);
  }
});

for (const [what, token, why] of [
  [
    "throws",
    () => {
      throw new Error("no sign-in");
    },
    /returned no token: no sign-in/,
  ],
  ["rejects", () => Promise.reject(new Error("no sign-in")), /returned no token: no sign-in/],
  ["is silent", () => new Promise(() => undefined), /nobody has answered|no answer within 30 s/],
] as const)
  test(`a token() that ${what} is the reason of connect(), which ends within 30 s, and is called again later`, async () => {
    let isWell = false;
    const scene = new Scene({ token: async () => (isWell ? "good" : (token() as Promise<string>)) });
    const connected = watch(scene.client.connect());
    await scene.clock.pass(30_000);
    rejected(connected, "UNAVAILABLE", why);
    await scene.clock.pass(1_000);
    assert.ok(scene.states.includes("offline UNAVAILABLE"), scene.states.join(", "));
    isWell = true;
    const again = watch(scene.client.connect({ timeoutMs: 60_000 }));
    await scene.clock.pass(60_000);
    assert.deepEqual([again.status, scene.states.at(-1)], ["resolved", "online"]);
    scene.client.close();
  });

test("a token() that does not return a token closes the client at once, with the reason", async () => {
  for (const [given, why] of [
    [42, /returned number, not text/],
    [undefined, /returned undefined, not text/],
    [null, /returned null, not text/],
    ["", /returned text of 0 characters/],
    ["x".repeat(200_000), /returned text of 200000 characters/],
    ["a\nb", /control characters/],
  ] as const) {
    const scene = new Scene({ token: async () => given });
    const connected = watch(scene.client.connect());
    await scene.clock.settle();
    rejected(connected, "INVALID", why);
    assert.deepEqual([scene.states.at(-1), scene.server.dialledAt.length], ["closed INVALID", 0]);
    assert.equal(scene.clock.sleepers, 0);
  }
});

test("an empty list of connectors or a wrong URL closes the client at once, with the URL", async () => {
  for (const [options, why] of [
    [{ urls: [] }, /`urls` is not a list of connectors/],
    [{ urls: undefined }, /`urls` is not a list/],
    [
      { urls: ["ws://here/v1/ws", "http://there/"] },
      /`urls\[1\]` is not a ws:\/\/ or wss:\/\/ URL: "http:\/\/there\/"/,
    ],
    [{ urls: ["not a url"] }, /`urls\[0\]` is not a ws/],
    [{ urls: ["ws://here/#there"] }, /`urls\[0\]` is not a ws/],
    [{ urls: [5] }, /`urls\[0\]` is not a ws/],
    [{ device: "my phone" }, /`device` is not an id/],
    [{ token: "good" }, /`token` is not a function/],
    [{ client: "a\nb" }, /`client` is not one line/],
    [
      { encoding: "msgpack" },
      /`encoding` is neither "json" nor `msgpack` of @jichat\/client\/msgpack: "msgpack"/,
    ],
    [{ encoding: { subprotocol: "mine" } }, /`encoding` is neither/],
    [{ resume: { cursor: 5n, seqs: {} } }, /`resume` is not a value that `seen\(\)` returned/],
  ] as const) {
    const scene = new Scene(options);
    const connected = watch(scene.client.connect());
    await scene.clock.settle();
    rejected(connected, "INVALID", why);
    assert.deepEqual(scene.states, ["closed INVALID"]);
    assert.deepEqual([scene.clock.sleepers, scene.server.dialledAt.length], [0, 0]);
  }
});

test("a platform that cannot make the WebSocket closes the client at once, with the reason", async () => {
  const scene = new Scene();
  scene.server.socketTo = () => {
    throw new Error("an https page reaches no ws: URL");
  };
  const connected = watch(scene.client.connect());
  await scene.clock.settle();
  rejected(connected, "INVALID", /no WebSocket to ws:\/\/here\/v1\/ws: an https page/);
  assert.equal(scene.states.at(-1), "closed INVALID");
});

test("connect() ends with a reason while the server is down, and the device goes online when the server is back", async () => {
  const scene = new Scene();
  const { client, clock, server } = scene;
  server.temper = "down";
  const [first, brief] = [watch(client.connect()), watch(client.connect({ timeoutMs: 2_000 }))];
  await clock.pass(2_000);
  rejected(brief, "UNAVAILABLE", /not online within 2 s: .*ws:\/\/here\/v1\/ws cannot be reached/);
  assert.equal(first.status, "pending");
  await clock.pass(28_000);
  rejected(first, "UNAVAILABLE", /not online within 30 s/);
  assert.ok(server.dialledAt.length > 3 && server.dialledAt.length < 12, `${server.dialledAt.length} tries`);
  assert.deepEqual(new Set(scene.states), new Set(["connecting", "offline UNAVAILABLE"]));
  const sent = watch(client.send(HERE, { n: 1 }));
  server.temper = "well";
  await clock.pass(20_000);
  assert.deepEqual([sent.status, client.state], ["resolved", "online"]);
});

test("a second connect() makes no socket and no notice, and both calls end online", async () => {
  const scene = new Scene();
  const both = [watch(scene.client.connect()), watch(scene.client.connect())];
  await scene.clock.pass(1_000);
  assert.deepEqual(
    both.map(({ status }) => status),
    ["resolved", "resolved"],
  );
  const third = watch(scene.client.connect());
  await scene.clock.settle();
  assert.equal(third.status, "resolved", "without waiting for anything");
  await scene.clock.pass(10_000);
  assert.deepEqual([scene.states, scene.server.dialledAt.length], [["connecting", "online"], 1]);
});

test("a body that JSON cannot express is refused at once with its place, and later writes go on", async () => {
  for (const isOnline of [false, true]) {
    const scene = new Scene();
    if (isOnline) await scene.online();
    const { client, clock } = scene;
    const bad = BAD.map(({ name, make }) => ({ name, outcome: watch(client.send(HERE, make() as Body)) }));
    const edits = watch(client.edit("d_bob", 2, { n: 10n }));
    const good = watch(client.send(HERE, { n: 1 }));
    await clock.settle();
    for (const { name, outcome } of bad)
      rejected(outcome, name.source.includes("larger") ? "FRAME_TOO_LARGE" : "FRAME_MALFORMED", name);
    rejected(edits, "FRAME_MALFORMED", /`body\.n` is a bigint/);
    assert.equal(client.unacked, 1);
    if (!isOnline) await scene.online();
    await clock.pass(1_000);
    assert.equal(good.status, "resolved");
    client.close();
  }
});

test("a request that breaks the protocol is refused by its field, and the device stays open", async () => {
  const scene = await new Scene().online();
  const { client, clock } = scene;
  const anything = (value: unknown): never => value as never;
  const refusals: readonly (readonly [Promise<unknown>, RegExp])[] = [
    [client.send({ to: "no such name!" }, {}), /`to` is not an id/],
    [client.send(anything(undefined), {}), /either `conversation` or `to`/],
    [client.send(anything({ to: "bob", conversation: "d_bob" }), {}), /not both/],
    [client.send(HERE, {}, { id: "é" }), /`id` is not 1 to 64 printable/],
    [client.send(HERE, {}, { replyTo: 0 }), /`replyTo` is not an integer/],
    [client.send(HERE, {}, { mentions: anything("bob") }), /`mentions` is not a list/],
    [client.edit("d_bob", anything(10n), {}), /`seq` is not an integer/],
    [client.recall(anything(undefined), 1), /^a recall needs `conversation`$/],
    [client.createGroup(" ", []), /`name` has 0 characters/],
    [client.createGroup("G", anything([5])), /`members` has an entry/],
    [client.rename("g_1", anything(null)), /`name` is not a string/],
    [client.invite("g_1", []), /`users` has 0 entries/],
    [client.read("d_bob", -1), /`seq` is not an integer/],
    [client.perform("pin", anything({ conversation: "g_1", seq: null })), /`seq` is not an integer/],
    [client.perform("pin", anything({ conversation: "g_1" })), /^a pin needs `seq`$/],
    [client.perform("create", anything({ name: "G", members: [] })), /^a create needs `kind`$/],
    [client.pull("d_bob", { limit: 1_000 }), /`limit` is not an integer from 1 to 200/],
    [client.pull("d_bob", { after: 1, before: 2 }), /either `after` or `before`/],
    [client.list({ page: "" }), /`page` has 0 characters/],
  ];
  const outcomes = refusals.map(([promise, why]) => ({ outcome: watch(promise), why }));
  await clock.settle();
  for (const { outcome, why } of outcomes) rejected(outcome, "FRAME_MALFORMED", why);
  await clock.pass(5_000);
  assert.deepEqual([client.state, scene.server.dialledAt.length, client.unacked], ["online", 1, 0]);
});

for (const encoding of ["json", msgpack] as const)
  test(`a write over the server's limits is refused locally, and later writes go on (${encoding === "json" ? "JSON" : "MessagePack"})`, async () => {
    const scene = new Scene({ encoding });
    const { client, clock, server } = scene;
    // Written before anybody knows the limits, with good ones between.
    const sizes = [200_000, 10, 9_000, 9_000, 9_000, 20];
    const early = sizes.map((size) => watch(client.send(HERE, { pad: "x".repeat(size) })));
    await clock.settle();
    assert.equal(client.unacked, 6);
    await scene.online();
    const judge = (outcomes: readonly Outcome[]): void => {
      for (const [index, outcome] of outcomes.entries())
        if ((sizes[index] ?? 0) < 100) assert.equal(outcome.status, "resolved");
        else
          rejected(
            outcome,
            "FRAME_TOO_LARGE",
            /`body` as compact JSON has [\d,]+ bytes, and this server accepts 8192/,
          );
    };
    judge(early);
    // And once they are known: at once.
    const late = sizes.map((size) => watch(client.send(HERE, { pad: "x".repeat(size) })));
    await clock.settle();
    assert.equal(client.unacked, 2);
    await clock.pass(8_000);
    judge(late);
    const users = Array.from({ length: 1_000 }, (_, i) => `${"u".repeat(60)}${String(i).padStart(4, "0")}`);
    const whole = watch(client.invite("g_1", users));
    await clock.settle();
    rejected(whole, "FRAME_TOO_LARGE", /this frame has [\d,]+ bytes, and this server accepts 65536/);
    const least = "\u0001".repeat(1_363); // Six bytes each in JSON, one in MessagePack.
    const [fits, doesNot] = [least, `${least}\u0001`].map((pad) => watch(client.send(HERE, { pad })));
    await clock.pass(1_000);
    assert.ok(fits !== undefined && doesNot !== undefined);
    assert.equal(fits.status, "resolved");
    rejected(doesNot, "FRAME_TOO_LARGE", /has 8\d+ bytes/);
    assert.deepEqual([server.violations, server.dialledAt.length, client.state], [[], 1, "online"]);
  });

test("lower limits of a new connection refuse waiting writes, and a sent one's error says that it may be stored", async () => {
  const scene = await new Scene().online();
  const { client, clock, server } = scene;
  server.latencyMs = () => 1_000;
  const sent = watch(client.send(HERE, { pad: "x".repeat(5_000) }));
  await clock.pass(10);
  server.disturb("cut");
  server.limits = { ...server.limits, bodyBytes: 256 };
  const waiting = [300, 10].map((size) => watch(client.send(HERE, { pad: "x".repeat(size) })));
  await clock.pass(20_000);
  rejected(sent, "FRAME_TOO_LARGE", /this server accepts 256; .*may have been stored/);
  assert.ok(waiting[0] !== undefined);
  rejected(waiting[0], "FRAME_TOO_LARGE", /this server accepts 256$/);
  assert.equal(waiting[1]?.status, "resolved");
  assert.deepEqual(server.violations, []);
});

test("back-off grows from one connection to the next until one has held for 10 s", async () => {
  const scene = await new Scene().online();
  const { clock, server, client } = scene;
  const gaps: number[] = [];
  const cut = async (heldMs: number): Promise<void> => {
    await clock.pass(heldMs);
    const at = clock.at;
    server.disturb("cut");
    await clock.pass(60_000, () => client.state === "online");
    gaps.push((server.dialledAt.at(-1) ?? 0) - at);
  };
  for (let i = 0; i < 9; i += 1) await cut(500);
  assert.deepEqual(
    gaps.map((gap) => Math.round(gap / 11)),
    [10, 20, 40, 80, 160, 320, 640, 750, 750],
  );
  await cut(10_000);
  assert.equal(Math.round(gaps.at(-1) ?? 0), 110);
});

test("invalid messages of a server end the connection and not the process, and another connection follows", async () => {
  const scene = await new Scene().online();
  const { client, clock, server } = scene;
  const sent: Outcome[] = [];
  for (const [n, nonsense] of NONSENSE.entries()) {
    server.say(nonsense);
    sent.push(watch(client.send(HERE, { n })));
    await clock.pass(20_000);
  }
  const before = server.dialledAt.length;
  assert.equal(before, 1 + NONSENSE.length);
  server.say({ t: "presence", user: "bob", online: true });
  await clock.pass(20_000);
  assert.equal(server.dialledAt.length, before, "a frame of a later version is passed over");
  assert.ok(sent.every(({ status }) => status === "resolved"));
  assert.ok(scene.states.includes("offline UNAVAILABLE") && client.state === "online");
  const reasons = scene.notices.flatMap((notice) =>
    notice.t === "state" && notice.error !== undefined ? [notice.error.message] : [],
  );
  assert.ok(
    reasons.some((reason) => /closed with 1002: the server's event has a wrong `conversation`/.test(reason)),
  );
});

test("own first messages do not come back as events, before the first sync, after a resume, acked or not", async () => {
  const scene = new Scene();
  const early = [1, 2, 3].map((n) => watch(scene.client.send(HERE, { n })));
  await scene.online();
  assert.ok(early.every(({ status }) => status === "resolved"));
  scene.server.friendWrites("bob");
  await scene.clock.pass(1_000);
  assert.deepEqual(scene.shown, ["d_bob 1 created of ann", "d_bob 5 message of bob"]);
  scene.client.close();

  const resumed = new Scene({ resume: { cursor: "c0", seqs: {} } });
  const first = watch(resumed.client.send(HERE, { n: 1 }));
  await resumed.online();
  assert.equal(first.status, "resolved");
  assert.deepEqual(resumed.shown, ["d_bob 1 created of ann"]);

  // Stored, and the ack lost with the connection: who comes back pulls it before it is acked.
  const { server, clock, client } = resumed;
  server.latencyMs = () => 100;
  const lost = [1, 2].map((n) => watch(client.send({ to: "cleo" }, { n })));
  await clock.pass(150);
  server.disturb("cut");
  await clock.pass(20_000);
  assert.deepEqual(
    lost.map(({ value }) => (value as WriteResult).seq),
    [2, 3],
  );
  assert.deepEqual(resumed.shown.slice(1), ["d_cleo 1 created of ann"]);
});

test("changes of an application to its map after the send do not change the message", async () => {
  const scene = new Scene();
  const body = { text: "as it was", list: [{ n: 1 }] };
  const sent = watch(scene.client.send(HERE, body));
  body.text = "changed";
  body.list.push({ n: 2 });
  await scene.online();
  assert.equal(sent.status, "resolved");
  const stored = scene.server.store.conversations.get("d_bob")?.events.at(-1)?.body;
  assert.deepEqual(stored, { text: "as it was", list: [{ n: 1 }] });
});

test("a reader that throws ends its own feed alone", async () => {
  const scene = await new Scene().online();
  const heard: string[] = [];
  const throwing = async (): Promise<void> => {
    for await (const notice of scene.client.events()) throw new Error(`at the ${notice.t}`);
  };
  const other = async (): Promise<void> => {
    for await (const notice of scene.client.events()) heard.push(notice.t);
  };
  const [thrown, reading] = [watch(throwing()), watch(other())];
  for (const friend of ["bob", "cleo"]) scene.server.friendWrites(friend);
  await scene.clock.pass(1_000);
  assert.match(String(thrown.value), /at the event/);
  assert.deepEqual(heard, ["event", "event", "event", "event"]);
  scene.client.close();
  await scene.clock.settle();
  assert.equal(reading.status, "resolved");
});

test("each close code of the server has a reason with an error code", async () => {
  for (const [closeCode, code] of [
    [4400, "FRAME_MALFORMED"],
    [4403, "FORBIDDEN"],
    [4409, "CONFLICT"],
  ] as const) {
    const scene = new Scene();
    scene.server.temper = "closing";
    scene.server.closeCode = closeCode;
    const connected = watch(scene.client.connect());
    await scene.clock.pass(1_000);
    rejected(connected, code, new RegExp(`closed with ${closeCode}`));
    assert.equal(scene.states.at(-1), `closed ${code}`);
  }
});

test("an own abandoned hello that arrives late does not close the device for good", async () => {
  const scene = await new Scene().online();
  const { client, clock, server } = scene;
  server.say({ t: "goaway", reason: "drain", reconnectAfterMs: 0, ticket: "ticket" });
  // The move dials at once; its hello takes longer than it is waited for, and the server hears of it all the same.
  const latenciesMs = [5, 10_050];
  server.latencyMs = () => latenciesMs.shift() ?? 5;
  await clock.pass(10_080);
  assert.deepEqual([client.state, server.dialledAt.length], ["offline", 2], "told 4409 for its own hello");
  const sent = watch(client.send(HERE, { n: 1 }));
  await clock.pass(60_000);
  assert.deepEqual([client.state, sent.status], ["online", "resolved"]);
});

test("a server that answers pings but no write is left after a minute, and the write goes to another one", async () => {
  const scene = await new Scene().online();
  const { client, clock, server } = scene;
  server.temper = "silent";
  const sent = watch(client.send(HERE, { n: 1 }));
  await clock.pass(100);
  server.temper = "well"; // What it has not heard it never answers.
  await clock.pass(50_000);
  assert.deepEqual([sent.status, client.state, server.dialledAt.length], ["pending", "online", 1]);
  await clock.pass(15_000);
  assert.deepEqual([sent.status, client.state, server.dialledAt.length], ["resolved", "online", 2]);
  assert.deepEqual(scene.states, ["connecting", "online", "offline UNAVAILABLE", "connecting", "online"]);
});

test("a server that answers pings and no question is left after a minute", async () => {
  const scene = await new Scene().online();
  scene.server.temper = "silent";
  void scene.client.list().catch(() => undefined);
  await scene.clock.pass(1_000);
  scene.server.temper = "well";
  const dialled = scene.server.dialledAt.length;
  for (let i = 0; i < 7; i += 1) {
    const asked = watch(scene.client.list());
    await scene.clock.pass(10_500);
    if (i < 4) assert.deepEqual([asked.status, scene.server.dialledAt.length], ["rejected", dialled]);
  }
  assert.equal(scene.server.dialledAt.length, dialled + 1);
  const asked = watch(scene.client.list());
  await scene.clock.pass(1_000);
  assert.equal(asked.status, "resolved");
  scene.client.close();
});

test("a listener hears each notice of its type at once until it is stopped; one that throws harms nobody", async (t) => {
  const scene = new Scene();
  const heard: string[] = [];
  const uncaught: (() => void)[] = [];
  t.mock.method(globalThis, "queueMicrotask", (act: () => void) => uncaught.push(act));
  scene.client.on("state", () => {
    throw new Error("a listener threw");
  });
  const stop = scene.client.on("event", ({ event }) => heard.push(`${event.kind} ${event.seq}`));
  await scene.online();
  scene.server.friendWrites("bob");
  await scene.clock.pass(100);
  stop();
  scene.server.friendWrites("bob");
  await scene.clock.pass(100);
  scene.client.close();
  await scene.clock.settle();
  assert.deepEqual(heard, ["created 1", "message 2"]);
  assert.deepEqual(scene.states, ["connecting", "online", "closed"]);
  assert.equal(uncaught.length, 3);
  for (const act of uncaught) assert.throws(act, /a listener threw/);
});

test("the status says why it is offline and when it tries again", async () => {
  const scene = new Scene();
  scene.server.temper = "down";
  const connected = watch(scene.client.connect({ timeoutMs: 100 }));
  await scene.clock.pass(60);
  const { state, error, retryInMs = -1 } = scene.client.status;
  assert.deepEqual([state, error?.code], ["offline", "UNAVAILABLE"]);
  assert.ok(retryInMs > 0 && retryInMs <= 200, String(retryInMs));
  assert.equal(scene.client.status, scene.client.status);
  await scene.clock.pass(100);
  assert.equal(connected.status, "rejected");
  scene.client.close();
});

test("a slow server is not left for its late answers", async () => {
  const scene = await new Scene().online();
  const heard = scene.server.heard.bind(scene.server);
  scene.server.heard = (socket, data) => {
    scene.clock.after(String(data).includes('"sync"') ? 12_000 : 0, () => {
      heard(socket, data);
    });
  };
  const dialled = scene.server.dialledAt.length;
  for (let i = 0; i < 9; i += 1) {
    const asked = watch(scene.client.list());
    await scene.clock.pass(11_000);
    assert.equal(asked.status, "rejected");
  }
  assert.equal(scene.server.dialledAt.length, dialled);
  scene.client.close();
});
