import { decodeBatch, encodeBatch } from "@jichat/protocol/log/encode-batch.ts";
import assert from "node:assert/strict";
import { test } from "node:test";
import { heldNow } from "@jichat/testkit/held-heap.ts";
import type { LogRecord } from "@jichat/protocol/log/record.ts";
import { Tail } from "./tail.ts";

const id = (index: number): string => `g_${String(index).padStart(27, "0")}`;
const user = (index: number): string => `user-${String(index).padStart(9, "0")}`;
const clientId = (index: number): string => `0196f0a0-0000-7000-8000-${String(index).padStart(12, "0")}`;
const thousand = (from: number): string[] => Array.from({ length: 999 }, (_, at) => user(from + at));
const event = (index: number, more: object = {}): LogRecord => ({
  r: "event",
  conversation: id(index % 100),
  seq: index,
  no: index,
  kind: "message",
  from: user(index % 1_000),
  ts: 1_800_000_000_000 + index,
  id: clientId(index),
  device: "phone",
  session: `session-${index % 1_000}`,
  ...more,
});

/** How many, and what each is. */
const KINDS: Readonly<Record<string, readonly [number, (index: number) => LogRecord]>> = {
  "short messages": [20_000, (i) => event(i, { body: '{"text":"hello"}' })],
  "long messages": [2_000, (i) => event(i, { body: `{"text":"${"x".repeat(8_000)}"}` })],
  "long messages in letters of two bytes": [
    2_000,
    (i) => event(i, { body: `{"text":"${"水".repeat(2_700)}"}` }),
  ],
  "messages that mention many": [500, (i) => event(i, { body: "{}", mentions: thousand(0).slice(0, 100) })],
  "traced messages, one in each conversation": [
    20_000,
    (i) => event(i, { conversation: id(i), trace: `00-${"a".repeat(32)}-${"b".repeat(16)}-01` }),
  ],
  "groups of the same thousand": [
    200,
    (i) => event(i, { conversation: id(i), kind: "created", users: thousand(0) }),
  ],
  "groups of ever other thousands": [
    100,
    (i) => event(i, { conversation: id(i), kind: "created", users: thousand(1_000 * i) }),
  ],
  "groups with long names": [
    5_000,
    (i) => event(i, { conversation: id(i), kind: "created", name: "N".repeat(128), users: [user(i)] }),
  ],
  marks: [
    20_000,
    (i) => ({ r: "mark", conversation: id(i % 100), user: user(i), seq: i, no: i, session: `session-${i}` }),
  ],
  notes: [
    20_000,
    (i) => ({ r: "note", conversation: id(i % 100), user: user(i), id: clientId(i), seq: i, ts: 1 }),
  ],
};

/** As off the wire, in batches. */
function consumed(
  [count, recordOf]: readonly [number, (index: number) => LogRecord],
  perBatch: number,
): Tail {
  const tail = new Tail(0, 0, 0);
  for (let at = 0; at < count; at += perBatch) {
    const records = Array.from({ length: Math.min(perBatch, count - at) }, (_, i) => recordOf(1 + at + i));
    const sent = { v: 1 as const, owner: "owner", number: at, done: 0, ts: 1, records };
    tail.add({ position: 1 + at / perBatch, batch: decodeBatch(encodeBatch(sent)) });
  }
  return tail;
}

for (const [what, kind] of Object.entries(KINDS))
  for (const perBatch of [1, 100])
    test(`the bytes that a tail reports are about the bytes that it holds: ${what}, ${perBatch} a batch`, (t) => {
      consumed(kind, perBatch); // Warm: code is on the heap too.
      const before = heldNow();
      const tail = consumed(kind, perBatch);
      const held = heldNow() - before;
      const ratio = tail.bytes / held;
      t.diagnostic(
        `${what} ${perBatch}: ${(held / kind[0]).toFixed(0)} each, told ${ratio.toFixed(2)} of it`,
      );
      assert.ok(ratio > 0.9 && ratio < 2.1, `${tail.bytes} told, ${held} held: ${ratio.toFixed(2)}`);
    });
