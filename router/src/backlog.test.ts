import assert from "node:assert/strict";
import { test } from "node:test";
import { EVERYBODY } from "@jichat/presence/candidates.ts";
import type { Reached } from "@jichat/presence/presence.ts";
import type { PresenceUpdate } from "@jichat/presence/presence-update.ts";
import { SCRIPT_COST_MAX, updateCost } from "@jichat/presence/presence-update.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { Delivery } from "@jichat/protocol/bus/delivery.ts";
import type { EventRecord } from "@jichat/protocol/log/record.ts";
import { isWhole } from "@jichat/presence/presence-texts.ts";
import { addEffect } from "./add-effect.ts";
import { backlogBytesMax } from "./backlog.ts";
import type { EffectUnit } from "./effect-unit.ts";
import { emptyUnit, usersOf } from "./effect-unit.ts";
import { Effects } from "./effects.ts";
import { PartitionState } from "./partition-state.ts";
import type { FactsSource } from "./ports.ts";
import { Undone } from "./undone.ts";
import { NOBODY_ONLINE } from "../test/stand-ins.ts";

const GROUPS = 744;
const BYTES_MAX = 33_554_432;
const thousand = (first: number): string[] =>
  Array.from({ length: 1_000 }, (_, index) => `member-${first + index}`);
const everybody = thousand(0);

/** A group is made, as a batch of its own. */
const recordOf = (index: number, users: readonly string[] = everybody): EventRecord => ({
  r: "event",
  conversation: `g_${index}`,
  seq: 1,
  no: 0,
  kind: "created",
  from: "member-0",
  ts: 1,
  users,
  device: "d",
  session: "s",
});

function creation(index: number, firstMember = 0): EffectUnit {
  const record = recordOf(index, firstMember === 0 ? everybody : thousand(firstMember));
  const unit = emptyUnit(index + 1);
  const made = new PartitionState().replay(record, index + 1);
  assert.ok(made !== undefined);
  addEffect(unit, made, record, index + 1);
  return unit;
}

/** Storage as an owner asks it: a hundred such groups an answer. */
const facts: FactsSource = {
  watermark: () => 0,
  ask: async ({ conversations }) => ({
    conversations: conversations.slice(0, 100).map((conversation) => ({
      conversation,
      kind: "group",
      creator: "member-0",
      head: 1,
      no: 0,
      ts: 1,
      position: 1 + Number(conversation.slice(2)),
      members: everybody.map((user) => ({ user, first: 1, mark: 1, markNo: 0 })),
      idsFrom: 0,
      ids: [],
    })),
    ids: [],
    events: [],
    rest: conversations.slice(100),
  }),
};

/** Redis as a lane sees it: away at first, and one that loses every third answer once it is there. */
class Redis {
  isAway = true;
  calls = 0;
  readonly taken: PresenceUpdate[] = [];

  gaveUp = 0;

  async giveUp(): Promise<void> {
    if (this.isAway) throw new Error("Redis is away");
    this.gaveUp += 1;
  }

  async publish(update: PresenceUpdate): Promise<Reached> {
    this.calls += 1;
    if (this.isAway || this.calls % 3 === 0) throw new Error("Redis is away");
    this.taken.push(update);
    return { online: new Map(update.users.map((user) => [user, ["c1"]])), candidates: EVERYBODY };
  }
}

function laneOver(redis: Redis, delivered: Delivery[], stop: AbortSignal): Effects {
  const clock = { ...systemClock, sleep: async () => systemClock.sleep(1) };
  return new Effects(
    {
      partition: 3,
      clock,
      backlogBytesMax: () => BYTES_MAX,
      count: () => undefined,
      sessions: {
        publish: async (update) => redis.publish(update),
        giveUp: async () => redis.giveUp(),
        isAlive: async () => true,
      },
      deliverer: { deliver: async (_, delivery) => void delivered.push(delivery) },
      push: NOBODY_ONLINE.push,
    },
    0,
    stop,
  );
}

test("the backlog of 744 new groups of a thousand stays within its bound while Redis is away, and empties afterwards", async (t) => {
  const [redis, delivered, stop] = [new Redis(), [] as Delivery[], new AbortController()];
  t.after(() => {
    stop.abort(new Error("the test is over"));
  });
  const lane = laneOver(redis, delivered, stop.signal);
  void lane.run();
  let most = 0;
  for (let index = 0; index < GROUPS; index += 1) {
    lane.add(creation(index));
    most = Math.max(most, lane.backlogBytes);
    if (index % 100 === 0) await systemClock.sleep(1);
  }
  assert.ok(most <= BYTES_MAX, `${most} bytes`);
  assert.equal(redis.taken.length, 0);
  redis.isAway = false;
  while (!lane.idle) await systemClock.sleep(1);

  assert.equal(lane.done, GROUPS);
  for (const update of redis.taken) assert.ok(updateCost(update) <= SCRIPT_COST_MAX);
  const lines = {
    heads: redis.taken.flatMap(({ heads }) => heads.map(({ conversation }) => conversation)),
    entries: redis.taken.flatMap(({ entries }) =>
      entries.map((one) => `${one.user} ${one.entry.conversation}`),
    ),
  };
  for (const line of Object.values(lines)) assert.equal(new Set(line).size, line.length, "written once each");
  assert.deepEqual(new Set(lines.heads), new Set(groups()));
  assert.ok(redis.taken.some(({ heads }) => heads.some((head) => !isWhole(head))));
  const foldedAt = redis.taken.findLastIndex(({ unsure }) => unsure.length > 0);
  const unsure = new Set(redis.taken.flatMap((update) => update.unsure));
  assert.deepEqual(unsure, new Set(everybody));
  const doneAt = redis.taken.findIndex(({ isDone, position }) => isDone && position === GROUPS);
  assert.ok(foldedAt <= doneAt && doneAt >= 0, "all is written before it is done");
  assert.ok(redis.taken.slice(0, foldedAt).every(({ isDone, position }) => !isDone || position < GROUPS));
  const told = delivered.flatMap(({ gaps }) => gaps).find(({ conversation }) => conversation === undefined);
  assert.deepEqual(told, { users: everybody }, "who is online is told to sync");
});

test("a backlog that has no room even for names gives up the data of Redis once, and holds nothing", async (t) => {
  const [redis, delivered, stop] = [new Redis(), [] as Delivery[], new AbortController()];
  t.after(() => {
    stop.abort(new Error("the test is over"));
  });
  const lane = laneOver(redis, delivered, stop.signal);
  void lane.run();
  const more = 300;
  for (let index = 0; index < more; index += 1) {
    lane.add(creation(index, index * 1_000));
    assert.ok(lane.backlogBytes <= BYTES_MAX);
  }
  assert.ok(lane.backlogBytes < BYTES_MAX / 16, "what was lost takes no room");
  await systemClock.sleep(1);
  redis.isAway = false;
  while (!lane.idle) await systemClock.sleep(1);
  assert.deepEqual([lane.done, redis.gaveUp], [more, 1]);
  assert.ok(redis.taken.some(({ isDone, position }) => isDone && position === more));
});

for (const [what, isCold] of [
  ["hot", false],
  ["cold", true],
] as const)
  test(`the effects of ${what} conversations that a new owner may have to redo are bounded`, async () => {
    const undone = new Undone(BYTES_MAX / 2);
    for (let index = 0; index < GROUPS; index += 1) {
      const position = index + 1;
      if (isCold) undone.add(position, emptyUnit(position), [recordOf(index)]);
      else undone.add(position, creation(index), []);
      assert.ok(undone.bytes <= BYTES_MAX / 2);
    }
    const unit = await undone.redo(facts)?.(AbortSignal.timeout(1_000));
    assert.ok(unit !== undefined && unit.bytes <= BYTES_MAX / 2);
    assert.equal(unit.position, GROUPS);
    assert.deepEqual(new Set(unit.heads.keys()), new Set(groups()));
    assert.deepEqual(usersOf(unit).toSorted(), everybody.toSorted());
    assert.deepEqual([undone.bytes, undone.redo(facts)], [0, undefined]);
  });

test("the partitions of a router share the bound of their effects", () => {
  assert.equal(backlogBytesMax(0), backlogBytesMax(1));
  assert.ok(backlogBytesMax(2) === backlogBytesMax(1), "a few have all they may");
  for (const partitions of [16, 256]) assert.equal(partitions * backlogBytesMax(partitions), 134_217_728);
});

const groups = (): string[] => Array.from({ length: GROUPS }, (_, index) => `g_${index}`);
