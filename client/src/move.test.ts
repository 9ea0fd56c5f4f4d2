import assert from "node:assert/strict";
import { test } from "node:test";
import { Dice } from "@jichat/protocol/dice.ts";
import { Scene, watch } from "../test/scene.ts";
import type { Outcome } from "../test/scene.ts";

const HERE = { to: "bob" };
const goaway = (reconnectAfterMs: number) => ({
  t: "goaway",
  reason: "draining",
  reconnectAfterMs,
  ticket: "ticket",
});
const unresolved = (outcomes: readonly Outcome[]): string[] =>
  outcomes.flatMap(({ status, value }) => (status === "resolved" ? [] : [`${status}: ${String(value)}`]));

test("a move tells the application nothing, loses no event, repeats none, and no question fails (25 seeds)", async () => {
  for (let seed = 1; seed <= 25; seed += 1) {
    const dice = new Dice(seed);
    const scene = await new Scene().online();
    const { client, clock, server } = scene;
    const asked: Outcome[] = [watch(client.send(HERE, { n: 0 }))];
    await clock.pass(1_000);
    // A frame takes up to a second. So the old socket ends long before the welcome, or long after it.
    server.latencyMs = () => dice.int(1, 1_000);
    server.say(goaway(dice.int(0, 250)));
    for (let i = 1; i <= 60; i += 1) {
      await clock.pass(dice.int(1, 150));
      server.friendWrites("bob");
      asked.push(watch(client.send(HERE, { n: i })));
      if (dice.chance(0.5)) asked.push(watch(client.pull("d_bob", { limit: 5 })));
      if (dice.chance(0.2)) asked.push(watch(client.list({ limit: 5 })));
    }
    await clock.pass(30_000);
    assert.deepEqual(scene.states, ["connecting", "online"], `seed ${seed}`);
    assert.deepEqual(unresolved(asked), [], `seed ${seed}`);
    assert.equal(server.dialledAt.length, 2, `seed ${seed}: it moved once`);
    assert.equal(new Set(scene.shown).size, scene.shown.length, `seed ${seed}: an event was shown twice`);
    const friends = scene.shown.filter((line) => line.endsWith("of bob"));
    assert.equal(friends.length, 60, `seed ${seed}: each was shown`);
    client.close();
  }
});

test("two goaways make one move, and the second one's delay counts", async () => {
  const scene = await new Scene().online();
  const { clock, server } = scene;
  server.say(goaway(100));
  server.say(goaway(500));
  await clock.pass(400);
  assert.equal(server.dialledAt.length, 1);
  await clock.pass(5_000);
  assert.deepEqual([server.dialledAt.length, scene.states], [2, ["connecting", "online"]]);
});

test("a device whose old connector closes it before it has moved goes on, and is told nothing", async () => {
  for (const code of [1012, 1006]) {
    const scene = await new Scene().online();
    const { client, clock, server } = scene;
    server.say(goaway(5_000));
    await clock.pass(50);
    if (code === 1006) server.live?.ended(code, "");
    else server.live?.end(code, "draining");
    await clock.pass(10);
    const sent = watch(client.send(HERE, { n: 1 }));
    const pulled = watch(client.list());
    await clock.pass(2_000);
    assert.deepEqual(unresolved([sent, pulled]), []);
    assert.deepEqual([server.dialledAt.length, scene.states], [2, ["connecting", "online"]], String(code));
  }
});

test("a move that finds nobody is reported, at the latest after ten seconds, and goes on", async () => {
  for (const temper of ["down", "silent"] as const) {
    const scene = await new Scene().online();
    const { client, clock, server } = scene;
    server.temper = temper;
    server.say(goaway(0));
    await clock.pass(4_000);
    assert.deepEqual(scene.states, ["connecting", "online"], "the old socket serves");
    server.live?.ended(1006, "");
    await clock.pass(100);
    const asked = watch(client.list());
    await clock.pass(10_000);
    assert.equal(scene.states[2], "offline UNAVAILABLE", temper);
    assert.equal(asked.status, "rejected", "no question hangs");
    server.temper = "well";
    await clock.pass(40_000);
    assert.equal(scene.states.at(-1), "online", temper);
  }
});

test("a network that goes away during a move is told at once, and so is a device that was replaced", async () => {
  const gone = await new Scene().online();
  gone.server.say(goaway(2_000));
  await gone.clock.pass(100);
  gone.network.dispatchEvent(new Event("offline"));
  await gone.clock.pass(0);
  assert.equal(gone.states.at(-1), "offline UNAVAILABLE");
  gone.client.close();

  const replaced = await new Scene().online();
  replaced.server.say(goaway(2_000));
  await replaced.clock.pass(100);
  replaced.server.live?.end(4409, "elsewhere");
  await replaced.clock.pass(100);
  assert.equal(replaced.states.at(-1), "closed CONFLICT", "it has not dialled: another one took its place");
});
