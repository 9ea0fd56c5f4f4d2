import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench, messageTo, registrationOf } from "../test/fakes.ts";
import type { Outcome } from "./provider.ts";

const DOWN: Outcome = { is: "retry", reason: "500", isDown: true };

function annBench(before?: Bench): Bench {
  const bench = new Bench(before);
  bench.registrations.byUser.set("ann", [registrationOf("ann")]);
  if (before === undefined) bench.notes.enter("ann", "g", {});
  return bench;
}

const textsOf = (bench: Bench): readonly string[] =>
  bench.provider.pushes.map((push) => (push.is === "notification" ? push.text : push.is));

test("a message that is pushed at once is asked about by nobody", async () => {
  const bench = annBench();
  bench.said.set("g 1", { is: "recalled" });
  bench.clock.at = 1_000;
  bench.queue.put(messageTo(["ann"], 1, { preview: "first" }));
  await bench.settle();
  assert.deepEqual([textsOf(bench), bench.textsAsked], [["first"], 0]);
});

test("one that waited for more than a second in the queue is told as it is by then, or not at all", async () => {
  const bench = annBench();
  bench.said.set("g 1", { is: "recalled" });
  bench.said.set("g 2", { is: "said", text: "mended" });
  bench.said.set("g 3", { is: "said", text: "" });
  bench.clock.at = 1_001;
  for (const seq of [1, 2, 3, 4]) bench.queue.put(messageTo(["ann"], seq, { preview: `first ${seq}` }));
  await bench.settle();
  assert.deepEqual(textsOf(bench), ["mended", "", ""], "of the fourth nobody knows what it says");
  assert.equal(bench.telemetry.counts.get("jichat_push_skipped recalled"), 1);
  assert.deepEqual(bench.queue.left, []);
});

test("one that is read while storage is asked what it says is not told", async () => {
  const bench = annBench();
  bench.clock.at = 5_000;
  bench.textsMs = 4_000;
  for (const seq of [1, 2]) bench.queue.put(messageTo(["ann"], seq));
  await bench.pass(2_000);
  bench.notes.enter("ann", "g", { mark: 1 });
  await bench.pass(10_000);
  assert.deepEqual(bench.provider.shown, ["ann g 2 x1"]);
  assert.equal(bench.telemetry.counts.get("jichat_push_skipped read"), 1);
});

test("one that is recalled while Redis cannot say whether it was read is not told", async () => {
  const bench = annBench();
  bench.clock.at = 5_000;
  bench.textsMs = 1_500;
  bench.said.set("g 1", { is: "said", text: "a secret" });
  bench.queue.put(messageTo(["ann"], 1));
  await bench.pass(1_000);
  bench.notes.isDown = true;
  await bench.pass(3_000);
  bench.said.set("g 1", { is: "recalled" });
  bench.notes.isDown = false;
  await bench.pass(10_000);
  assert.deepEqual(textsOf(bench), []);
  assert.equal(bench.telemetry.counts.get("jichat_push_skipped recalled"), 1);
});

test("one that is recalled while it waits for another attempt is not told", async () => {
  const bench = annBench();
  bench.provider.answers.push({ is: "retry", reason: "busy", isDown: false, afterMs: 2_000 });
  bench.queue.put(messageTo(["ann"], 1));
  await bench.settle();
  assert.equal(bench.provider.attempts, 1);
  bench.said.set("g 1", { is: "recalled" });
  await bench.pass(10_000);
  assert.deepEqual([textsOf(bench), bench.provider.attempts], [[], 1]);
  assert.deepEqual(bench.queue.left, []);
});

test("one that is recalled while its provider is down goes from KV untold, and an edited one tells its edit", async () => {
  const bench = annBench();
  bench.notes.enter("ann", "h", {});
  bench.provider.always = DOWN;
  bench.queue.put(messageTo(["ann"], 1, { preview: "secret" }));
  bench.queue.put(messageTo(["ann"], 1, { preview: "a slip", conversation: "h" }));
  for (const conversation of ["g", "h"])
    bench.said.set(`${conversation} 1`, { is: "said", text: "as before" });
  await bench.pass(20_000);
  assert.equal(bench.later.kept.size, 2);
  bench.said.set("g 1", { is: "recalled" });
  bench.said.set("h 1", { is: "said", text: "mended" });
  bench.provider.always = undefined;
  await bench.pass(120_000);
  assert.deepEqual(textsOf(bench), ["mended"]);
  assert.equal(bench.later.kept.size, 0);
});

test("one that a killed worker leaves behind and that is recalled meanwhile is not told by the next", async () => {
  const bench = annBench();
  bench.provider.held = new Promise(() => undefined);
  bench.queue.put(messageTo(["ann"], 1));
  await bench.settle();
  bench.service.stop();
  bench.said.set("g 1", { is: "recalled" });
  bench.provider.held = undefined;
  const next = annBench(bench);
  next.said.set("g 1", { is: "recalled" });
  next.clock.at += 5_000;
  next.queue.redeliver();
  await next.settle();
  assert.deepEqual(textsOf(next), []);
  assert.deepEqual(next.queue.left, []);
});

test("while nobody knows what it says, it is told without a text, and with it once somebody knows", async () => {
  const bench = annBench();
  bench.clock.at = 5_000;
  bench.provider.answers.push({ is: "retry", reason: "busy", isDown: false, afterMs: 2_000 });
  bench.queue.put(messageTo(["ann"], 1, { preview: "first" }));
  await bench.settle();
  bench.said.set("g 1", { is: "said", text: "first" });
  await bench.pass(10_000);
  assert.deepEqual(textsOf(bench), ["first"]);
});

test("a notification that stands for several messages tells no text, and asks for none", async () => {
  const bench = annBench();
  bench.clock.at = 500;
  for (let seq = 1; seq <= 7; seq += 1) bench.queue.put(messageTo(["ann"], seq));
  await bench.pass(10_000);
  assert.equal(textsOf(bench).at(-1), "7 new");
  assert.equal(bench.textsAsked, 0);
});
