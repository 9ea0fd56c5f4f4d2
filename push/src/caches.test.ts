import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeActivityQuestion, encodeActivityAnswer } from "@jichat/protocol/bus/activity.ts";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { ActivityClient } from "./activity-client.ts";
import { AgedMap } from "./aged-map.ts";
import { Badges } from "./badges.ts";
import { RegistrationCache } from "./registration-cache.ts";
import { Room } from "./room.ts";
import { NoSlot, Slots } from "./slots.ts";
import { FakeRegistrations, registrationOf } from "../test/fakes.ts";

const silent = { warn: () => undefined, error: () => undefined };

test("a cache reads once for all who ask, and again behind its age limit or a failure", async () => {
  const clock = new HandClock();
  let reads = 0;
  let fails = false;
  const map = new AgedMap(
    async (key) => {
      reads += 1;
      if (fails) throw new Error("no");
      return `${key} ${reads}`;
    },
    { max: 2, ageMs: () => 100, now: () => clock.at },
  );
  assert.deepEqual(await Promise.all([map.of("a"), map.of("a")]), ["a 1", "a 1"]);
  clock.at = 99;
  assert.equal(await map.of("a"), "a 1");
  clock.at = 100;
  assert.equal(await map.of("a"), "a 2");
  fails = true;
  await assert.rejects(map.of("b"));
  fails = false;
  assert.equal(await map.of("b"), "b 4");
  await map.of("c");
  assert.equal(map.size, 2, "the bound");
  map.forget("c");
  assert.equal(await map.of("c"), "c 6");
});

test("a cache of values that differ in size is bounded by what they take together", async () => {
  let reads = 0;
  const map = new AgedMap(
    async (key) => {
      reads += 1;
      return key.repeat(3);
    },
    { max: 10, weightOf: ({ length }) => length, ageMs: () => 100, now: () => 0 },
  );
  for (const key of ["a", "bb", "a", "bb"]) await map.of(key);
  assert.deepEqual([map.size, reads], [2, 2], "3 and 6");
  await map.of("c");
  assert.equal(map.size, 2, "12 are too many: the oldest goes");
  await map.of("a");
  assert.equal(map.size, 2, "3 and 3");
  assert.equal((await map.of("large")).length, 15);
  assert.equal(map.size, 0, "it fits into no cache of this size");
});

test("a user's badge is counted once in two seconds, and what comes meanwhile is added once", async () => {
  const clock = new HandClock();
  let unread: number | undefined = 5;
  let counted = 0;
  const notes = {
    unread: async () => {
      counted += 1;
      return unread;
    },
  };
  const badges = new Badges({ notes, clock, log: silent });
  const at = (no: number, knownAt: number) => badges.of("ann", { conversation: "g", no, knownAt });
  clock.at = 10;
  assert.equal(await at(1, 5), 5, "it is in what was counted");
  assert.equal(await at(2, 11), 6);
  assert.equal(await at(2, 11), 6, "the same message on another device");
  assert.equal(await at(3, 12), 7);
  assert.equal(counted, 1);
  clock.at = 2_010;
  unread = 8;
  assert.equal(await at(4, 2_000), 8);
  unread = 0;
  badges.changed("ann");
  assert.equal(await badges.of("ann", undefined), 0);
  unread = undefined;
  badges.changed("ann");
  assert.equal(await badges.of("ann", undefined), undefined);
});

test("a badge that cannot be counted is not known, and does not hold the push up", async () => {
  const notes = { unread: async () => Promise.reject(new Error("Redis is down")) };
  const badges = new Badges({ notes, clock: new HandClock(), log: silent });
  assert.equal(await badges.of("ann", { conversation: "g", no: 1, knownAt: 0 }), undefined);
});

test("users of one connector are asked for together; one that is silent for long has nobody", async () => {
  const clock = new HandClock();
  const asked: string[][] = [];
  const client = new ActivityClient({
    bus: {
      request: async (subject, bytes) => {
        if (subject === "dead") throw new Error("no answer");
        const { users } = decodeActivityQuestion(bytes);
        asked.push([...users]);
        return encodeActivityAnswer(users.map((user) => ({ user, device: "web", isActive: user === "ann" })));
      },
    },
    names: { activity: (connector) => connector },
    clock,
    onSilent: () => undefined,
  });
  const of = (user: string, ...connectors: readonly string[]) => client.of({ user, connectors });
  for (clock.at = 0; clock.at < 10_000; clock.at += 500)
    await assert.rejects(of("cat", "dead"), { code: "UNAVAILABLE" });
  const [ann, bob, cat] = await Promise.all([of("ann", "c1", "dead"), of("bob", "c1"), of("cat", "dead")]);
  assert.deepEqual(
    ann.map(({ device, isActive }) => [device, isActive]),
    [["web", true]],
  );
  assert.deepEqual(
    bob.map(({ isActive }) => isActive),
    [false],
  );
  assert.deepEqual(cat, []);
  assert.deepEqual(asked, [["ann", "bob"]]);
  await of("ann", "c1");
  assert.equal(asked.length, 1, "an answer holds for a second");
  clock.at += 10_001;
  await assert.rejects(of("cat", "dead"), "it may have answered others meanwhile");
});

test("registrations that are heard of are read again; unheard, they are soon too old", async () => {
  const clock = new HandClock();
  const registrations = new FakeRegistrations();
  let isHeard = true;
  const cache = new RegistrationCache({
    registrations,
    clock,
    isHeard: () => isHeard,
    log: silent,
    signal: new AbortController().signal,
  });
  assert.deepEqual(await cache.of("ann"), []);
  registrations.byUser.set("ann", [registrationOf("ann")]);
  clock.at = 60_000;
  assert.equal((await cache.of("ann")).length, 0);
  cache.changed("ann");
  assert.equal((await cache.of("ann")).length, 1);
  registrations.byUser.set("ann", []);
  isHeard = false;
  assert.equal((await cache.of("ann")).length, 1);
  clock.at += 3_000;
  assert.equal((await cache.of("ann")).length, 0);
});

test("slots are handed over in order, and never more than there are", async () => {
  const slots = new Slots({ limit: () => 2 });
  await slots.take();
  await slots.take();
  const order: number[] = [];
  const waiting = [1, 2].map(async (one) => {
    await slots.take();
    order.push(one);
  });
  assert.equal(slots.taken, 2);
  slots.free();
  slots.free();
  await Promise.all(waiting);
  assert.deepEqual(order, [1, 2]);
  slots.free();
  slots.free();
  assert.equal(slots.taken, 0);
});

test("who gives up leaves the line, one too many is refused, and a limit that rises lets the next ones in", async () => {
  let limit = 1;
  const slots = new Slots({ limit: () => limit, waitingMax: 2 });
  const [stop, { signal }] = [new AbortController(), new AbortController()];
  await slots.take(signal);
  const first = slots.take(stop.signal);
  const second = slots.take(signal);
  await assert.rejects(slots.take(signal), NoSlot);
  stop.abort(new Error("given up"));
  await assert.rejects(first, /given up/);
  assert.equal(slots.waiting, 1);
  limit = 2;
  slots.look();
  await second;
  assert.deepEqual([slots.taken, slots.waiting], [2, 0]);
  await assert.rejects(slots.take(stop.signal), /given up/);
});

test("there is room below the limit of bytes, for fewer messages the longer they are", async () => {
  const clock = new HandClock();
  let full = 0;
  const room = new Room({ clock, bytesMax: 1_000_000, isFull: () => false, onFull: () => (full += 1) });
  const { signal } = new AbortController();
  assert.equal(await room.enter(signal), 64);
  for (let i = 0; i < 100; i += 1) room.hold(500_000);
  for (let i = 0; i < 98; i += 1) room.leave(500_000);
  let most: number | undefined;
  void room.enter(signal).then((found) => (most = found));
  await clock.pass(10);
  assert.equal(most, undefined);
  assert.ok(full > 0);
  room.leave(1);
  await clock.pass(10);
  assert.equal(most, 2);
});
