import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "./provider.ts";
import { placeKey } from "./ids.ts";
import { Bench, messageTo, registrationOf } from "../test/fakes.ts";

const place = { user: "ann", device: "phone", conversation: "g" };
const DOWN: Outcome = { is: "retry", reason: "500", isDown: true };

function annBench(before?: Bench): Bench {
  const bench = new Bench(before);
  bench.registrations.byUser.set("ann", [registrationOf("ann")]);
  if (before === undefined) bench.notes.enter("ann", "g", {});
  return bench;
}

test("a message is pushed once to a device that is away, and acknowledged", async () => {
  const bench = annBench();
  bench.queue.put(messageTo(["ann", "cat"], 1, { preview: "hello" }));
  await bench.settle();
  assert.deepEqual(bench.provider.shown, ["ann g 1 x1"]);
  const [push] = bench.provider.pushes;
  assert.ok(push?.is === "notification");
  assert.equal(push.title, "BOB");
  assert.equal(push.text, "hello");
  assert.equal(push.badge, 1);
  assert.deepEqual(bench.queue.left, []);
  assert.equal(bench.notes.noted.get(placeKey(place)), 1);
  assert.equal(bench.telemetry.counts.get("jichat_push_skipped unregistered"), 1);
});

test("who is there, who has read and who has muted is not pushed; a connector that stays silent holds nobody", async () => {
  const bench = annBench();
  bench.notes.sessions.set("ann", [{ device: "phone", connector: "c1" }]);
  bench.live.set("c1", [{ user: "ann", device: "phone", isActive: false }]);
  bench.queue.put(messageTo(["ann"], 1));
  await bench.settle();
  assert.deepEqual(bench.provider.shown, []);
  assert.equal(bench.telemetry.counts.get("jichat_push_skipped live"), 1);
  bench.notes.sessions.set("ann", [{ device: "phone", connector: "gone" }]);
  bench.queue.put(messageTo(["ann"], 2));
  await bench.pass(9_900);
  assert.deepEqual(bench.provider.shown, [], "it may be busy, or NATS may be away");
  await bench.pass(600);
  assert.deepEqual(bench.provider.shown, ["ann g 2 x1"]);
  bench.notes.enter("ann", "g", { mark: 3 });
  bench.queue.put(messageTo(["ann"], 3));
  await bench.settle();
  bench.notes.enter("ann", "g", { mark: 0, settings: { muted: {}, at: 1 } });
  bench.queue.put(messageTo(["ann"], 4));
  await bench.settle();
  assert.deepEqual(bench.provider.shown, ["ann g 2 x1"]);
  assert.deepEqual(bench.queue.left, []);
});

test("a connector that is silent holds those whom it may hold, in their order, and nobody else", async () => {
  const bench = annBench();
  bench.registrations.byUser.set("cat", [registrationOf("cat")]);
  bench.notes.enter("cat", "g", {});
  bench.notes.sessions.set("ann", [{ device: "web", connector: "c1" }]);
  bench.queue.put(messageTo(["ann", "cat"], 1));
  bench.queue.put(messageTo(["ann"], 2));
  await bench.pass(100);
  assert.deepEqual(bench.provider.shown, ["cat g 1 x1"]);
  assert.equal(bench.queue.left.length, 2, "neither is acknowledged");
  bench.queue.put(messageTo(["cat"], 3));
  await bench.pass(100);
  assert.deepEqual(bench.provider.shown, ["cat g 1 x1", "cat g 3 x1"]);
  bench.live.set("c1", [{ user: "ann", device: "web", isActive: false }]);
  await bench.pass(2_000);
  assert.deepEqual(bench.provider.shown.slice(2), ["ann g 1 x1", "ann g 2 x1"]);
  assert.deepEqual(bench.queue.left, []);
});

test("what can be decided at once waits behind what waits for a silent connector on the same device", async () => {
  const bench = annBench();
  bench.notes.enter("ann", "other", {});
  bench.notes.sessions.set("ann", [{ device: "web", connector: "c1" }]);
  bench.queue.put(messageTo(["ann"], 1));
  await bench.pass(100);
  bench.notes.sessions.delete("ann");
  bench.queue.put(messageTo(["ann"], 2));
  bench.queue.put(messageTo(["ann"], 9, { conversation: "other" }));
  await bench.pass(100);
  assert.deepEqual(bench.provider.shown, ["ann other 9 x1"], "another conversation does not wait");
  await bench.pass(2_000);
  assert.deepEqual(bench.provider.shown.slice(1), ["ann g 1 x1", "ann g 2 x1"]);
  assert.deepEqual(bench.queue.left, []);
  bench.queue.put(messageTo(["ann"], 3));
  await bench.pass(10);
  assert.equal(bench.provider.shown.at(-1), "ann g 3 x1", "nothing waits any more");
});

test("a mention in a muted conversation is told, and adds nothing to the badge", async () => {
  const bench = annBench();
  bench.notes.enter("ann", "muted", { settings: { muted: { mentionsOnly: true }, at: 1 } });
  bench.queue.put(messageTo(["ann"], 1));
  await bench.pass(100);
  bench.queue.put(messageTo(["ann"], 2, { conversation: "muted", mentions: ["ann"] }));
  await bench.pass(100);
  bench.queue.put(messageTo(["ann"], 2));
  await bench.pass(100);
  assert.deepEqual(
    bench.provider.pushes.map(({ badge }) => badge),
    [1, 1, 2],
  );
});

test("the same entry again is not pushed again, by this worker or by another one", async () => {
  const bench = annBench();
  const message = messageTo(["ann"], 1);
  bench.queue.put(message, message);
  await bench.settle();
  bench.queue.put(message);
  await bench.settle();
  bench.service.stop();
  const other = annBench(bench);
  other.queue.put(message);
  await other.settle();
  assert.deepEqual(bench.provider.shown, ["ann g 1 x1"]);
  assert.deepEqual(bench.queue.left, []);
});

test("killed in the middle: what was sent is not sent again, what was not is", async () => {
  const bench = annBench();
  bench.registrations.byUser.set("cat", [registrationOf("cat")]);
  bench.queue.put(messageTo(["ann"], 1));
  await bench.settle();
  bench.provider.held = new Promise(() => {}); // The provider does not answer any more.
  bench.queue.put(messageTo(["ann", "cat"], 2), messageTo(["ann"], 3));
  await bench.settle();
  assert.deepEqual(bench.provider.shown, ["ann g 1 x1"]);
  bench.service.stop();
  await bench.settle();
  assert.deepEqual(bench.queue.left, [2], "not acknowledged");

  bench.provider.held = undefined;
  const other = annBench(bench);
  other.queue.redeliver();
  await other.settle();
  assert.deepEqual([...bench.provider.shown].sort(), [
    "ann g 1 x1",
    "ann g 2 x1",
    "ann g 3 x1",
    "cat g 2 x1",
  ]);
  assert.deepEqual(other.queue.left, []);
});

test("a partition that comes back to the same worker is not taken for pushed", async () => {
  const bench = annBench();
  bench.provider.always = { is: "retry", reason: "busy", isDown: false, afterMs: 5_000 };
  bench.queue.put(messageTo(["ann"], 1));
  await bench.settle();
  bench.service.partitions.lose(0);
  await bench.pass(200);
  bench.provider.always = undefined;
  bench.service.partitions.acquire(0);
  bench.queue.redeliver();
  await bench.pass(10_000);
  assert.deepEqual(bench.provider.shown, ["ann g 1 x1"]);
  assert.deepEqual(bench.queue.left, []);
});

test("the fifth message in ten seconds and those behind it fold into one, and are acknowledged with it", async () => {
  const bench = annBench();
  for (let seq = 1; seq <= 9; seq += 1) {
    bench.queue.put(messageTo(["ann"], seq));
    await bench.settle();
  }
  assert.deepEqual(bench.provider.shown, ["ann g 1 x1", "ann g 2 x1", "ann g 3 x1", "ann g 4 x1"]);
  assert.deepEqual(bench.queue.left, [5, 6, 7, 8, 9], "a crash would lose none of them");
  await bench.pass(3_000);
  assert.deepEqual(bench.provider.shown.at(-1), "ann g 9 x9");
  assert.deepEqual(bench.queue.left, []);
  assert.equal(bench.telemetry.counts.get("jichat_push_folded"), 4);
});

test("a mention that folds behind other messages is told, by its author's name, and stays urgent", async () => {
  const bench = annBench();
  const more = { name: "team", from: "bob" };
  for (let seq = 1; seq <= 4; seq += 1) bench.queue.put(messageTo(["ann"], seq, more));
  bench.queue.put(messageTo(["ann"], 5, { ...more, from: "cat", mentions: ["ann", "dan"] }));
  bench.queue.put(messageTo(["ann"], 6, more));
  await bench.settle();
  await bench.pass(3_000);
  const push = bench.provider.pushes.at(-1);
  assert.ok(push?.is === "notification");
  assert.deepEqual([push.text, push.isUrgent], ["6 new, by CAT", true]);
});

test("a mention is among what waits for its provider, and nobody else's is kept", async () => {
  const bench = annBench();
  bench.provider.always = DOWN;
  bench.queue.put(messageTo(["ann"], 1, { mentions: ["dan", "ann", "eve"] }));
  bench.queue.put(messageTo(["ann"], 2, { mentions: ["dan"], conversation: "h" }));
  await bench.pass(40_000, 1_000);
  const kept = [...bench.later.kept.values()].map(({ entry }) => entry.message.mentions);
  assert.deepEqual(kept, [["ann"], undefined]);
});

test("what is read while it waits is not sent", async () => {
  const bench = annBench();
  for (let seq = 1; seq <= 6; seq += 1) bench.queue.put(messageTo(["ann"], seq));
  await bench.settle();
  bench.notes.enter("ann", "g", { mark: 6 });
  await bench.pass(4_000);
  assert.equal(bench.provider.pushes.length, 4);
  assert.deepEqual(bench.queue.left, []);
  assert.equal(bench.telemetry.counts.get("jichat_push_skipped read"), 1);
});

test("a push that has to wait for another attempt gives way to the next of its conversation", async () => {
  const bench = annBench();
  bench.provider.answers.push({ is: "retry", reason: "429", isDown: false, afterMs: 2_000 });
  bench.queue.put(messageTo(["ann"], 1));
  await bench.settle();
  bench.queue.put(messageTo(["ann"], 2));
  await bench.pass(2_500);
  assert.deepEqual(bench.provider.shown, ["ann g 2 x2"]);
  assert.deepEqual(bench.queue.left, []);
});

test("gone: the registration goes; refused: a dead letter without text and token", async () => {
  const bench = annBench();
  bench.registrations.byUser.set("cat", [registrationOf("cat")]);
  bench.provider.answers.push({ is: "gone", reason: "410" });
  bench.queue.put(messageTo(["ann"], 1));
  await bench.settle();
  assert.deepEqual(bench.registrations.byUser.get("ann"), []);
  bench.provider.answers.push({ is: "refused", reason: "413" });
  bench.queue.put(messageTo(["cat"], 1));
  await bench.settle();
  const [letter] = bench.dead;
  assert.equal(letter?.reason, "413");
  assert.doesNotMatch(JSON.stringify(letter), /cat-phone|text/);
  assert.deepEqual(bench.queue.left, []);
});

test("a provider that is down: pushes wait in KV, fold there, and are sent once it is up", async () => {
  const bench = annBench();
  bench.provider.always = DOWN;
  for (let seq = 1; seq <= 3; seq += 1) {
    bench.queue.put(messageTo(["ann"], seq));
    await bench.pass(20_000);
  }
  assert.deepEqual(bench.provider.shown, []);
  assert.deepEqual(bench.queue.left, [], "the queue does not wait for it");
  const [kept] = bench.later.kept.values();
  assert.equal(kept?.entry.message.seq, 3);
  assert.equal(kept?.entry.count, 3);
  bench.provider.always = undefined;
  await bench.pass(130_000, 1_000);
  assert.deepEqual(bench.provider.shown, ["ann g 3 x3"]);
  assert.equal(bench.later.kept.size, 0);
});

test("pushes that wait for a provider do not hold up those of another one", async () => {
  const bench = annBench();
  bench.registrations.byUser.set("cat", [registrationOf("cat")]);
  bench.provider.unreachable.add("ann");
  const keep = async (user: string, conversation: string): Promise<void> =>
    bench.later.keep(`0.${user}.${conversation}`, {
      user,
      device: "phone",
      message: messageTo([], 1, { conversation }),
      count: 1,
    });
  for (let index = 0; index < 2_000; index += 1) await keep("ann", `c${index}`);
  await keep("cat", "g");
  // At the pace of what is sent, 2,000 are passed in ten seconds.
  await bench.pass(3_000 + 5_000, 10);
  assert.deepEqual(bench.provider.shown, ["cat g 1 x1"]);
  assert.equal(bench.later.kept.size, 2_000);
});

test("what waits and was read meanwhile is dropped; so is what is older than a day", async () => {
  const bench = annBench();
  bench.provider.always = DOWN;
  bench.queue.put(messageTo(["ann"], 1));
  bench.queue.put(messageTo(["ann"], 1, { conversation: "h" }));
  await bench.pass(60_000, 1_000);
  assert.equal(bench.later.kept.size, 2);
  bench.provider.always = undefined;
  bench.notes.enter("ann", "g", { mark: 1 });
  bench.clock.at += 24 * 3_600_000;
  bench.notes.enter("ann", "g", { mark: 1 });
  await bench.pass(130_000, 1_000);
  assert.deepEqual(bench.provider.shown, []);
  assert.equal(bench.later.kept.size, 0);
  assert.equal(bench.telemetry.counts.get("jichat_push_skipped old"), 2);
});

test("what waits behind a later push of its conversation is sent with both", async () => {
  const bench = annBench();
  bench.provider.answers.push({ is: "retry", reason: "busy", isDown: false, afterMs: 60_000 });
  bench.queue.put(messageTo(["ann"], 1));
  await bench.settle();
  assert.equal(bench.later.kept.size, 1);
  bench.queue.put(messageTo(["ann"], 2));
  await bench.settle();
  assert.deepEqual(bench.provider.shown, ["ann g 2 x1"]);
  await bench.pass(10_000);
  assert.equal(bench.later.kept.size, 0);
  assert.deepEqual(bench.provider.shown, ["ann g 2 x1", "ann g 2 x2"]);
});

test("while Redis is down nothing is decided, and everything is once it is back", async () => {
  const bench = annBench();
  bench.notes.isDown = true;
  bench.queue.put(messageTo(["ann"], 1));
  await bench.pass(20_000);
  assert.deepEqual(bench.queue.left, [1]);
  assert.ok(bench.queue.worked > 5, "it is not delivered to others meanwhile");
  bench.notes.isDown = false;
  await bench.pass(1_000);
  assert.deepEqual(bench.provider.shown, ["ann g 1 x1"]);
  assert.deepEqual(bench.queue.left, []);
});

test("what a half-open connection lost is pushed to the devices that were not told, as all that is unread", async () => {
  const bench = annBench();
  bench.registrations.byUser.set("ann", [registrationOf("ann"), registrationOf("ann", "tablet")]);
  bench.notes.enter("ann", "g", { mark: 2, markNo: 2 });
  bench.queue.put(messageTo(["ann"], 5, { device: "phone" }));
  await bench.settle();
  // While the phone seemed to be there, its owner counted as active, and the tablet was not told either.
  assert.deepEqual(bench.provider.shown, ["ann g 5 x3", "ann g 5 x3"]);
  assert.deepEqual(bench.provider.pushes.map(({ device }) => device).sort(), ["phone", "tablet"]);
  // It has come back, and has synced.
  bench.notes.sessions.set("ann", [{ device: "phone", connector: "c1" }]);
  bench.live.set("c1", [{ user: "ann", device: "phone", isActive: false }]);
  bench.queue.put(messageTo(["ann"], 6, { device: "phone" }));
  await bench.settle();
  assert.deepEqual(
    bench.provider.pushes.slice(2).map(({ device }) => device),
    ["tablet"],
  );
  assert.deepEqual(bench.queue.left, []);
});

test("marks and mutes that Redis has lost are asked of storage", async () => {
  const bench = annBench();
  bench.notes.entries.clear();
  const entry = { conversation: "g", position: 1, first: 1, mark: 1, markNo: 1 };
  bench.stored.set("ann g", entry);
  bench.stored.set("ann h", { ...entry, conversation: "h", settings: { muted: {}, at: 1 } });
  bench.queue.put(messageTo(["ann"], 1), messageTo(["ann"], 2), messageTo(["ann"], 2, { conversation: "h" }));
  bench.queue.put(messageTo(["ann"], 2, { conversation: "nobody knows" }));
  await bench.settle();
  assert.deepEqual(bench.provider.shown, ["ann g 2 x1", "ann nobody knows 2 x1"]);
});

test("what was shown is withdrawn once it was read elsewhere, and only then", async () => {
  const bench = annBench();
  const read = { is: "read", user: "ann", conversation: "g", no: 1 } as const;
  bench.queue.put({ ...read, seq: 1 });
  bench.queue.put(messageTo(["ann"], 2));
  await bench.settle();
  bench.queue.put({ ...read, seq: 1 });
  await bench.settle();
  assert.deepEqual(bench.provider.shown, ["ann g 2 x1"], "a newer one stays");
  bench.queue.put({ ...read, seq: 2 }, { ...read, seq: 2 });
  await bench.pass(200);
  assert.deepEqual(bench.provider.shown, ["ann g 2 x1", "ann g withdrawn 2"]);
  assert.deepEqual(bench.queue.left, []);
});

test("an unreadable message is dropped with a count, and those of earlier versions say nothing", async () => {
  const bench = annBench();
  bench.queue.putBytes(new TextEncoder().encode("{"));
  bench.queue.putBytes(new TextEncoder().encode('{"v":1,"position":1,"missed":[]}'));
  bench.queue.put(messageTo(["ann"], 1));
  await bench.settle();
  assert.deepEqual(bench.queue.left, []);
  assert.equal(bench.telemetry.counts.get("jichat_push_entries unreadable"), 1);
  assert.deepEqual(bench.provider.shown, ["ann g 1 x1"]);
});

test("a partition that is given up sends what waits to be folded, and keeps what has to be repeated", async () => {
  const bench = annBench();
  for (let seq = 1; seq <= 6; seq += 1) bench.queue.put(messageTo(["ann"], seq));
  await bench.settle();
  bench.provider.answers.push({ is: "retry", reason: "429", isDown: false, afterMs: 20_000 });
  bench.queue.put(messageTo(["ann"], 1, { conversation: "h" }));
  await bench.settle();
  const given = bench.service.partitions.give(0);
  await bench.pass(200, 20);
  await given;
  assert.equal(bench.provider.shown.at(-1), "ann g 6 x6");
  assert.deepEqual(
    [...bench.later.kept.values()].map(({ entry }) => entry.message.conversation),
    ["h"],
  );
  assert.deepEqual(bench.queue.left, []);
});

test("ten thousand messages are held in bounds: no more are read than can be sent", async () => {
  const bench = annBench();
  const users = Array.from({ length: 50 }, (_, i) => `user${i}`);
  for (const user of users) bench.registrations.byUser.set(user, [registrationOf(user)]);
  let release = (): void => {};
  bench.provider.held = new Promise((resolve) => {
    release = resolve;
  });
  for (let i = 0; i < 200; i += 1) bench.queue.put(messageTo(users, 1, { conversation: `c${i}` }));
  await bench.pass(1_000, 10);
  assert.ok(bench.provider.attempts <= 10, `${bench.provider.attempts} at once`);
  assert.equal(bench.queue.left.length, 200);
  const decided = bench.notes.asked;
  assert.ok(decided <= 70, `${decided} decided for 10 slots: what waits for long is decided again`);
  release();
  bench.provider.held = undefined;
  await bench.pass(60_000);
  assert.equal(bench.provider.pushes.length, 10_000);
  assert.deepEqual(bench.queue.left, []);
});

test("what is not done for minutes is told of now and then, and is done all the same", async () => {
  const bench = annBench();
  const held = Promise.withResolvers<void>();
  bench.provider.held = held.promise;
  const told = (): number =>
    bench.telemetry.lines.filter((line) => line.includes("not done for minutes")).length;
  bench.queue.put(messageTo(["ann"], 1));
  bench.queue.put(messageTo(["ann"], 2));
  await bench.pass(140_000, 1_000);
  assert.equal(told(), 0);
  await bench.pass(20_000, 1_000);
  assert.equal(told(), 1, "one line for both");
  await bench.pass(150_000, 1_000);
  assert.equal(told(), 2);
  held.resolve();
  await bench.pass(10_000, 1_000);
  assert.deepEqual([bench.provider.shown, bench.queue.left], [["ann g 1 x1", "ann g 2 x1"], []]);
});
