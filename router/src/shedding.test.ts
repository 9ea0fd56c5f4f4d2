import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_CANDIDATES } from "@jichat/presence/candidates.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { Delivery } from "@jichat/protocol/bus/delivery.ts";
import { receiptOf } from "@jichat/protocol/bus/notice.ts";
import { merge } from "./backlog.ts";
import type { EffectUnit } from "./effect-unit.ts";
import { emptyUnit, putEntry, putEvent, putNotice } from "./effect-unit.ts";
import { Effects } from "./effects.ts";
import type { EffectsWorld } from "./ports.ts";
import { NOBODY_ONLINE } from "../test/stand-ins.ts";

const READERS: readonly string[] = ["ann"];

/** One read: a receipt and the entry that any later sync tells. */
function read(position: number, user = `user-${position}`): EffectUnit {
  const unit = emptyUnit(position);
  putNotice(unit, receiptOf({ conversation: "g", user, seq: position, origin: "s1" }));
  putEntry(unit, {
    user,
    entry: { conversation: "g", position, first: 1, mark: position, markNo: 1 },
    isRead: true,
  });
  return unit;
}

function said(position: number): EffectUnit {
  const unit = emptyUnit(position);
  const delivered = { frame: `{"t":"event","seq":${position}}`, ts: 1, position };
  putEvent(unit, {
    conversation: "g",
    seq: position,
    author: "ann",
    name: undefined,
    delivered,
    recipients: READERS,
  });
  return unit;
}

test("notices of reads fill at most a quarter of a unit, and the latest ones stay", () => {
  const [unit, max] = [emptyUnit(0), 200_000];
  for (let position = 1; position <= 300; position += 1) {
    assert.equal(merge(unit, read(position), max), false, "nothing is folded");
    assert.ok(unit.notices.bytes <= max / 4 && unit.bytes <= max);
  }
  const kept = Array.from(unit.notices, ({ order }) => order);
  assert.deepEqual(
    kept,
    kept.map((_, index) => 300 - kept.length + 1 + index),
  );
  assert.equal(unit.notices.takeShed(), 300 - kept.length);
  assert.equal(unit.entries.size, 300, "whoever syncs is told");
});

test("a user who reads again and again takes the room of one receipt", () => {
  const unit = emptyUnit(0);
  for (let position = 1; position <= 1_000; position += 1) merge(unit, read(position, "ann"), 8_000);
  assert.deepEqual(
    Array.from(unit.notices, ({ order }) => order),
    [1_000],
  );
  assert.equal(unit.notices.takeShed(), 0);
});

test("a unit that fills sheds its notices before it folds an event, and its entries stay", () => {
  const [unit, max] = [emptyUnit(0), 40_000];
  for (let position = 1; position <= 10; position += 1) merge(unit, read(position), max);
  const receipts = unit.notices.bytes;
  let position = 10;
  for (let before = unit.bytes; ; before = unit.bytes) {
    position += 1;
    const isFolded = merge(unit, said(position), max);
    if (isFolded) break;
    assert.equal(unit.events.length, position - 10);
    assert.ok(unit.bytes <= max);
    if (unit.bytes < before) assert.ok(unit.notices.bytes < receipts, "only notices have gone");
  }
  assert.deepEqual([unit.notices.bytes, unit.notices.takeShed()], [0, 10]);
  assert.deepEqual([unit.events.length, unit.gaps.size, unit.entries.size], [0, 1, 10]);
});

test("a unit that has no room even for names drops its notices with everything else, and counts them", () => {
  const unit = emptyUnit(0);
  for (let position = 1; position <= 4; position += 1) merge(unit, read(position), 100);
  assert.deepEqual([unit.isLost, unit.bytes, unit.notices.takeShed()], [true, 0, 4]);
});

/** A lane over a world, and how it is stopped. */
function laneOver(world: Partial<EffectsWorld>): { lane: Effects; stop: AbortController } {
  const stop = new AbortController();
  const clock = { ...systemClock, sleep: async () => systemClock.sleep(1) };
  return { lane: new Effects({ partition: 0, clock, ...NOBODY_ONLINE, ...world }, 0, stop.signal), stop };
}

test("a lane counts shed notices at once, while Redis is still away", (t) => {
  const counts = new Map<string, number>();
  const { lane, stop } = laneOver({
    backlogBytesMax: () => 20_000,
    count: (what, by) => counts.set(what, by + (counts.get(what) ?? 0)),
  });
  t.after(() => {
    stop.abort(new Error("the test is over"));
  });
  for (let position = 1; position <= 20; position += 1) lane.add(read(position));
  assert.ok((counts.get("shed") ?? 0) > 0 && lane.backlogBytes <= 10_000);
  assert.equal(counts.get("folded"), undefined);
});

test("a connector that does not answer gets a gap for its events, and its notices again", async (t) => {
  const tried: Delivery[] = [];
  const { lane, stop } = laneOver({
    sessions: {
      ...NOBODY_ONLINE.sessions,
      publish: async ({ users }) => ({
        online: new Map(users.map((user) => [user, ["c1"]])),
        candidates: NO_CANDIDATES,
      }),
    },
    deliverer: {
      deliver: async (_, delivery) => {
        tried.push(delivery);
        if (tried.length <= 2) throw new Error("no answer");
      },
    },
  });
  t.after(() => {
    stop.abort(new Error("the test is over"));
  });
  const unit = said(1);
  putNotice(unit, receiptOf({ conversation: "g", user: "ann", seq: 1 }));
  lane.add(unit);
  void lane.run();
  while (!lane.idle) await systemClock.sleep(1);
  assert.deepEqual(
    tried.map(({ events, notices, gaps }) => [events.length, notices.length, gaps.length]),
    [
      [1, 1, 0],
      [0, 1, 1],
      [0, 1, 1],
    ],
  );
});
