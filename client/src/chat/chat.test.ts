import assert from "node:assert/strict";
import { test } from "node:test";
import type { Chat } from "./chat.ts";
import { ChatScene } from "../../test/chat-scene.ts";
import { ME } from "../../test/model-store.ts";
import { Tab } from "../../test/tab.ts";

const BOB = { to: "bob" };
const texts = (chat: Chat, target = BOB): unknown[] =>
  chat
    .thread(target)
    .get()
    .lines.map(({ body }) => body);
const listen = (): undefined => undefined;

test("a message to somebody new is pending at once, then a line; the conversation is in the list", async () => {
  const scene = new ChatScene();
  const chat = await scene.open();
  const thread = chat.thread(BOB);
  thread.subscribe(listen);
  const id = thread.send({ text: "hi" });
  assert.deepEqual(
    thread.get().pending.map(({ state, ...message }) => [message.id, state]),
    [[id, "waiting"]],
  );
  await scene.clock.pass(1_000);
  const { pending, lines, conversation } = thread.get();
  assert.deepEqual(
    [pending, lines.map(({ kind }) => kind), conversation],
    [[], ["created", "message"], "d_bob"],
  );
  assert.deepEqual(
    chat.conversations.get().conversations.map(({ id, last, unread }) => [id, last?.body, unread]),
    [["d_bob", { text: "hi" }, 0]],
  );
  await scene.close(chat);
});

test("what was written offline is sent by the next run, in order and once, though the first was stored", async () => {
  const scene = new ChatScene();
  const chat = await scene.open();
  scene.server.temper = "down";
  scene.server.disturb("cut");
  for (const text of ["one", "two"]) chat.thread(BOB).send({ text });
  await scene.close(chat);
  scene.server.temper = "well";
  const again = await scene.open();
  again.thread(BOB).subscribe(listen);
  await scene.clock.pass(1_000);
  assert.deepEqual(texts(again), [undefined, { text: "one" }, { text: "two" }]);
  // The disk still has what was acked, as after a crash: it is not shown or stored a second time.
  const stored = scene.server.store.conversations.get("d_bob")?.events ?? [];
  const [, first] = stored;
  await scene.close(again);
  const key = `jichat/1/${ME}/phone/send/${first?.id}`;
  const message = { id: first?.id, body: first?.body, state: "waiting" };
  await scene.store.set(key, { key: "@bob", via: "@bob", order: 1, message });
  const last = await scene.open();
  assert.deepEqual([last.unsent.get(), stored.length], [[], 3]);
  assert.equal(await scene.store.get(key), undefined);
  await scene.close(last);
});

test("a refused message says why and what to do; it is sent again under its id, or forgotten", async () => {
  const scene = new ChatScene();
  scene.server.limits = { frameBytes: 16_384, bodyBytes: 256, messagesPerSecond: 50 };
  const chat = await scene.open();
  const thread = chat.thread(BOB);
  const long = thread.send({ text: "x".repeat(300) });
  const other = thread.send({ text: "short" });
  await scene.clock.pass(1_000);
  const [failed] = chat.unsent.get();
  assert.deepEqual(
    [failed?.id, failed?.state, failed?.error?.code, failed?.remedy],
    [long, "failed", "FRAME_TOO_LARGE", "change"],
  );
  await scene.close(chat);
  const again = await scene.open();
  assert.deepEqual(
    again.unsent.get().map(({ id, state }) => [id, state]),
    [[long, "failed"]],
  );
  scene.server.limits = { frameBytes: 16_384, bodyBytes: 1_024, messagesPerSecond: 50 };
  scene.server.disturb("cut");
  await scene.clock.pass(2_000);
  again.thread(BOB).retry(long);
  await scene.clock.pass(1_000);
  const ids = scene.server.store.conversations.get("d_bob")?.events.map(({ id }) => id);
  assert.deepEqual([again.unsent.get(), ids], [[], [undefined, other, long]]);
  await scene.close(again);
});

test("a body that JSON cannot express is refused at once, and nothing is pending", async () => {
  const scene = new ChatScene();
  const chat = await scene.open();
  assert.throws(() => chat.thread(BOB).send({ n: 1n }), { code: "FRAME_MALFORMED", message: /body\.n/ });
  assert.deepEqual(chat.unsent.get(), []);
  await scene.close(chat);
});

test("the thousandth pending message is taken, one more is BUSY", async () => {
  const scene = new ChatScene();
  scene.server.temper = "down";
  const chat = await scene.open();
  for (let i = 0; i < 1_000; i += 1) chat.thread(BOB).send({ i });
  assert.throws(() => chat.thread(BOB).send({ i: 1_000 }), { code: "BUSY" });
  await scene.close(chat);
});

test("a page that was made before an edit, and comes after it, shows the edit", async () => {
  const scene = new ChatScene();
  scene.write("bob", 3);
  const chat = await scene.open();
  const thread = chat.thread({ conversation: "d_bob" });
  const stored = scene.server.store.conversations.get("d_bob") ?? assert.fail();
  const pages = scene.server.store.shown.bind(scene.server.store);
  // The server makes the page of what it holds now, and says it after the edit.
  const before = new Map(stored.events.map((event) => [event, pages(stored, event)]));
  scene.server.store.shown = (_, event) => before.get(event) ?? event;
  thread.subscribe(listen);
  scene.server.deliver(
    scene.server.store.append(stored, { kind: "edited", from: "bob", target: 3, body: { edit: 1 } }),
  );
  stored.events.pop();
  await scene.clock.pass(1_000);
  const line = thread.get().lines.find(({ seq }) => seq === 3);
  assert.deepEqual([line?.body, line?.edited], [{ edit: 1 }, 5]);
  await scene.close(chat);
});

test("a mark shows at once, reaches the server, and survives a restart that came before it was sent", async () => {
  const scene = new ChatScene();
  scene.write("bob", 5);
  const chat = await scene.open();
  const unread = (of: Chat): number | undefined => of.conversation("d_bob").get()?.unread;
  assert.equal(unread(chat), 5);
  scene.server.temper = "down";
  scene.server.disturb("cut");
  chat.markRead("d_bob", 4);
  await scene.clock.pass(50);
  assert.equal(chat.conversation("d_bob").get()?.read, 4);
  await scene.close(chat);
  scene.server.temper = "well";
  // As after a crash: the mark is kept at once, the row later.
  const key = `jichat/1/${ME}/phone/row/d_bob`;
  await scene.store.set(key, {
    ...((await scene.store.get(key)) as object),
    read: 1,
    unread: 5,
    isCounted: true,
  });
  const again = await scene.open();
  await scene.clock.pass(2_000);
  assert.deepEqual([unread(again), scene.server.store.conversations.get("d_bob")?.mark], [2, 4]);
  // Another device reads on: what is left is counted, though nothing is loaded.
  scene.server.otherReads(scene.server.store.conversations.get("d_bob") ?? assert.fail(), 5);
  await scene.clock.pass(1_000);
  assert.equal(unread(again), 1);
  await scene.close(again);
});

test("the list of an earlier run shows before the network does, and says that it is not complete", async () => {
  const scene = new ChatScene();
  scene.write("bob", 2);
  const chat = await scene.open();
  await scene.clock.pass(3_000);
  assert.equal(chat.conversations.get().isComplete, true);
  await scene.close(chat);
  scene.server.temper = "down";
  const again = await scene.open();
  const { conversations, isComplete, unread } = again.conversations.get();
  assert.deepEqual([conversations.map(({ id }) => id), isComplete, unread], [["d_bob"], false, 2]);
  const { state, error, retryInMs } = again.status.get();
  assert.deepEqual(
    [["offline", "connecting"].includes(state), error?.code ?? "UNAVAILABLE"],
    [true, "UNAVAILABLE"],
  );
  assert.ok(state === "connecting" || (retryInMs ?? -1) >= 0);
  await scene.close(again);
});

test("a cluster that has begun anew: rows and lines of before are gone, unsent messages stay", async () => {
  const scene = new ChatScene();
  scene.write("bob", 3);
  const chat = await scene.open();
  const thread = chat.thread(BOB);
  thread.subscribe(listen);
  await scene.clock.pass(1_000);
  assert.equal(thread.get().lines.length, 4);
  scene.server.store.conversations.clear();
  const synced = scene.server.store.synced.bind(scene.server.store);
  scene.server.store.synced = (...asked) => ({ ...synced(...asked), reset: true });
  scene.write("cleo", 1);
  scene.server.disturb("cut");
  thread.send({ text: "still here" });
  await scene.clock.pass(3_000);
  assert.deepEqual(
    chat.conversations
      .get()
      .conversations.map(({ id }) => id)
      .sort(),
    ["d_bob", "d_cleo"],
  );
  assert.deepEqual(texts(chat), [undefined, { text: "still here" }]);
  await scene.close(chat);
});

test("names are looked up once, and stand in the members of a group; who joins is there", async () => {
  const scene = new ChatScene();
  const group = scene.server.store.group("g_x");
  scene.members.set("g_x", [ME, "bob"]);
  const chat = await scene.open();
  const members = chat.members("g_x");
  members.subscribe(listen);
  chat.profile("bob").subscribe(listen);
  await scene.clock.pass(1_000);
  assert.deepEqual(members.get().members, [
    { user: ME, name: "ANN" },
    { user: "bob", name: "BOB" },
  ]);
  assert.equal(members.get(), members.get());
  scene.members.set("g_x", [ME, "bob", "cleo"]);
  scene.server.deliver(scene.server.store.append(group, { kind: "joined", from: ME, users: ["cleo"] }));
  await scene.clock.pass(1_000);
  assert.deepEqual(members.get().members.at(-1), { user: "cleo", name: "CLEO" });
  assert.deepEqual(scene.asked, ["bob ann", "cleo"]);
  await scene.close(chat);
});

test("a token of somebody else closes the chat before anything kept is sent", async () => {
  const scene = new ChatScene();
  const noToken = async () => Promise.reject(new Error("no network"));
  const before = await scene.open({ user: "zoe", token: noToken });
  before.thread(BOB).send({ text: "from zoe" });
  await scene.close(before);
  const chat = await scene.open({ user: "zoe" });
  const { state, error } = chat.status.get();
  assert.deepEqual([state, error?.code], ["closed", "INVALID"]);
  assert.match(error?.message ?? "", /ann.*zoe/);
  assert.deepEqual([...scene.server.store.conversations.keys()], []);
  assert.equal(chat.unsent.get().length, 1, "zoe's message waits for zoe");
  await scene.close(chat);
});

test("a store that refuses is told of in the status, and the message is sent all the same", async () => {
  const scene = new ChatScene();
  const store = { ...scene.store, set: async () => Promise.reject(new Error("full")) };
  const chat = await scene.open({ store });
  chat.thread(BOB).send({ text: "hi" });
  await scene.clock.pass(1_000);
  assert.match(String(chat.status.get().storeError), /full/);
  assert.equal(scene.server.store.conversations.get("d_bob")?.events.length, 2);
  await scene.close(chat);
});

test("signing out leaves nothing in the store", async () => {
  const scene = new ChatScene();
  scene.write("bob", 1);
  const chat = await scene.open();
  await scene.clock.pass(3_000);
  assert.ok((await scene.store.keys("jichat/")).length > 0);
  const forgotten = chat.forget();
  await scene.clock.pass(100);
  await forgotten;
  assert.deepEqual(await scene.store.keys("jichat/"), []);
});

test("listeners are told at once, then at most every 16 ms, and never of nothing", async () => {
  const scene = new ChatScene();
  scene.server.latencyMs = () => 1;
  scene.write("bob", 1);
  const chat = await scene.open();
  let told = 0;
  const stop = chat.conversations.subscribe(() => {
    told += 1;
  });
  for (let i = 0; i < 100; i += 1) {
    scene.write("bob", 1);
    await scene.clock.pass(1.6);
  }
  await scene.clock.pass(100);
  assert.ok(told >= 8 && told <= 12, `told ${told} times in 160 ms`);
  const before = told;
  await scene.clock.pass(60_000);
  assert.equal(told, before);
  stop();
  scene.write("bob", 1);
  await scene.clock.pass(100);
  assert.equal(told, before);
  await scene.close(chat);
});

test("the last line behind an edit at the head is looked up", async () => {
  const scene = new ChatScene();
  scene.write("bob", 2);
  scene.server.friendChanges("bob", "edited");
  const chat = await scene.open();
  assert.deepEqual(chat.conversation("d_bob").get()?.last?.seq, 3);
  await scene.close(chat);
});

test("a mute of this device or of another one is in the row at once, and ends by the server's clock", async () => {
  const scene = new ChatScene();
  scene.write("bob", 1);
  const chat = await scene.open();
  const row = chat.conversation("d_bob");
  const stop = row.subscribe(listen);
  assert.equal(row.get()?.muted, undefined);
  const until = chat.client.serverTime() + 60_000;
  const muted = chat.client.mute("d_bob", { until, mentionsOnly: true });
  await scene.clock.pass(1_000);
  await muted;
  assert.deepEqual(row.get()?.muted, { until, mentionsOnly: true });
  await scene.clock.pass(58_000);
  assert.ok(row.get()?.muted !== undefined);
  await scene.clock.pass(2_000);
  assert.equal(row.get()?.muted, undefined);

  const { conversations } = scene.server.store;
  scene.server.otherMutes(conversations.get("d_bob") ?? assert.fail(), {});
  await scene.clock.pass(1_000);
  assert.deepEqual(row.get()?.muted, {});
  stop();
  await scene.close(chat);

  const again = await scene.open();
  assert.deepEqual(again.conversation("d_bob").get()?.muted, {});
  await scene.close(again);
});

test("a chat on a page tells whether it is visible, to each new connection too; closed, it watches no more", async () => {
  const scene = new ChatScene();
  const { activity } = scene.server;
  const tab = new Tab();
  scene.tab = tab;
  const chat = await scene.open();
  assert.deepEqual(activity, [true]);
  tab.turn("hidden");
  chat.setActive(true);
  await scene.clock.pass(1_000);
  assert.deepEqual(activity, [true, false]);
  scene.server.disturb("cut");
  await scene.clock.pass(1_000);
  assert.deepEqual([chat.status.get().state, activity], ["online", [true, false, false]]);
  tab.turn("visible");
  chat.setActive(false);
  await scene.clock.pass(1_000);
  assert.deepEqual(activity.slice(3), [true, false]);
  assert.equal(tab.watchers.size, 1);
  await scene.close(chat);
  assert.equal(tab.watchers.size, 0);
});

test("outside of a page a client tells what it was told last: nothing, once at a change, and at each welcome", async () => {
  const scene = new ChatScene();
  const { activity } = scene.server;
  const chat = await scene.open();
  assert.deepEqual(activity, []);
  scene.server.disturb("cut");
  chat.client.setActive(true);
  chat.client.setActive(false);
  await scene.clock.pass(1_000);
  assert.deepEqual(activity, [false]);
  chat.client.setActive(false);
  scene.server.disturb("cut");
  await scene.clock.pass(1_000);
  assert.deepEqual(activity, [false, false]);
  await scene.close(chat);
});
