import assert from "node:assert/strict";
import { test } from "node:test";
import { receiptOf } from "@jichat/protocol/bus/notice.ts";
import { heldNow } from "@jichat/testkit/held-heap.ts";
import type { EffectUnit } from "./effect-unit.ts";
import {
  emptyUnit,
  putEntry,
  putEvent,
  putGap,
  putHead,
  putNotice,
  putToSync,
  putUnsure,
} from "./effect-unit.ts";

/** As off the wire: each with texts of its own. */
const parsed = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
const id = (index: number): string => `g_${String(index).padStart(27, "0")}`;
const user = (index: number): string => `user-${String(index).padStart(9, "0")}`;
const members = (of: number): readonly string[] =>
  parsed(Array.from({ length: 1_000 }, (_, index) => user(of * 1_000 + index)));
const text = (length: number): string => "x".repeat(length);
const last = (index: number, more: object = {}) => ({
  conversation: id(index),
  seq: index,
  no: index,
  kind: "message" as const,
  from: user(index),
  ts: 1_800_000_000_000 + index,
  id: `0196f0a0-0000-7000-8000-${String(index).padStart(12, "0")}`,
  ...more,
});
const head = (index: number, more: object = {}) =>
  parsed({
    conversation: id(index),
    position: index,
    seq: index,
    no: index,
    ts: 1_800_000_000_000 + index,
    kind: "group" as const,
    last: last(index, more),
  });
const event = (index: number, recipients: readonly string[], length: number) => ({
  conversation: parsed(id(index)),
  seq: index,
  author: parsed(user(index)),
  name: undefined,
  delivered: {
    frame: parsed(JSON.stringify({ t: "event", ...last(index, { body: text(length) }) })),
    ts: 1_800_000_000_000 + index,
    position: index,
    origin: parsed(`session-${index}`),
    trace: undefined,
  },
  recipients,
});

const KINDS: Readonly<Record<string, (unit: EffectUnit) => void>> = {
  "short events for the same people": (unit) => {
    const everybody = members(0);
    for (let i = 0; i < 20_000; i += 1) putEvent(unit, event(i, everybody, 40));
  },
  "long events": (unit) => {
    const everybody = members(0);
    for (let i = 0; i < 2_000; i += 1) putEvent(unit, event(i, everybody, 8_000));
  },
  "events for ever other people": (unit) => {
    for (let i = 0; i < 500; i += 1) putEvent(unit, event(i, members(i), 40));
  },
  notices: (unit) => {
    for (let i = 0; i < 50_000; i += 1)
      putNotice(
        unit,
        parsed(receiptOf({ conversation: id(i), user: user(i), seq: i, origin: `session-${i}` })),
      );
  },
  heads: (unit) => {
    for (let i = 0; i < 20_000; i += 1) putHead(unit, head(i, { body: text(40) }));
  },
  "heads with pins": (unit) => {
    const pins = Array.from({ length: 100 }, (_, index) => 100_000 + index);
    for (let i = 0; i < 5_000; i += 1) putHead(unit, parsed({ ...head(i), facets: { pins } }));
  },
  briefs: (unit) => {
    for (let i = 0; i < 50_000; i += 1)
      putHead(unit, { conversation: parsed(id(i)), position: i, ts: 1_800_000_000_000 + i });
  },
  "heads of new groups": (unit) => {
    for (let i = 0; i < 500; i += 1) putHead(unit, head(i, { users: members(i) }));
  },
  "entries of a thousand in each of many groups": (unit) => {
    const everybody = members(0);
    for (let i = 0; i < 50; i += 1) {
      const conversation = parsed(id(i));
      for (const one of everybody)
        putEntry(unit, {
          user: one,
          entry: { conversation, position: i, first: 1, mark: 1, markNo: 1 },
          isRead: true,
        });
    }
  },
  gaps: (unit) => {
    const everybody = members(0);
    for (let i = 0; i < 50_000; i += 1) putGap(unit, parsed(id(i)), { head: i, recipients: everybody });
  },
  names: (unit) => {
    for (let i = 0; i < 50_000; i += 1) {
      putUnsure(unit, parsed(user(i)));
      putToSync(unit, parsed(user(i + 50_000)));
    }
  },
};

function filled(fill: (unit: EffectUnit) => void): EffectUnit {
  const unit = emptyUnit(1);
  fill(unit);
  return unit;
}

for (const [what, fill] of Object.entries(KINDS))
  test(`the bytes that a unit reports are about the bytes that it holds: ${what}`, () => {
    filled(fill); // Warm: code is on the heap too.
    const before = heldNow();
    const unit = filled(fill);
    const held = heldNow() - before;
    const ratio = unit.bytes / held;
    assert.ok(ratio > 0.9 && ratio < 2.1, `${unit.bytes} told, ${held} held: ${ratio.toFixed(2)}`);
  });
