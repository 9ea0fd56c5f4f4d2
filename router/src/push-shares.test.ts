import assert from "node:assert/strict";
import { test } from "node:test";
import type { QueuedMessage, QueuedRead } from "@jichat/protocol/bus/push.ts";
import type { PushEntry } from "./push-entries.ts";
import { PushShares } from "./push-shares.ts";
import type { PushText } from "./push-texts.ts";
import { PUSH_MESSAGE_BYTES_MAX, entryBytesMax } from "./push-texts.ts";

const QUEUE_BYTES = 268_435_456;
const DAY_MS = 24 * 3_600_000;
const crowd = Array.from({ length: 900 }, (_, index) => `member-${index}`);

const said = (seq: number, more: Partial<QueuedMessage> = {}): QueuedMessage => ({
  is: "message",
  conversation: "g_1",
  seq,
  no: seq,
  from: "eve",
  ts: seq,
  members: 901,
  to: crowd,
  ...more,
});
const sharesOf = (): PushShares => new PushShares(entryBytesMax(PUSH_MESSAGE_BYTES_MAX));
const entriesOf = (texts: readonly PushText[]): PushEntry[] =>
  texts.map(({ text }) => JSON.parse(text) as PushEntry);
const bytesOf = (texts: readonly PushText[]): number => texts.reduce((sum, { bytes }) => sum + bytes, 0);
const taken = (shares: PushShares, now: number, partition?: number): PushText[] =>
  [...shares.take(now, partition).values()].flat();

/** Sends until something is held back; the seq of that, and the bytes before it. */
function exhaust(shares: PushShares, more: Partial<QueuedMessage> = {}): { seq: number; bytes: number } {
  let bytes = 0;
  for (let seq = 1; ; seq += 1) {
    const { texts } = shares.admit(0, [said(seq, more)], 0);
    if (texts.length === 0) return { seq, bytes };
    bytes += bytesOf(texts);
  }
}

test("a sender who never stops fills a tenth of the queue a day, and everybody else has room", () => {
  const shares = sharesOf();
  let bytes = 0;
  for (let now = 0; now < DAY_MS; now += 60_000) {
    for (let i = 0; i < 10; i += 1) bytes += bytesOf(shares.admit(0, [said(now + i)], now).texts);
    bytes += bytesOf(taken(shares, now));
  }
  assert.ok(bytes < QUEUE_BYTES / 10, `${bytes} bytes`);
  assert.equal(shares.admit(0, [said(1, { from: "ann" })], DAY_MS).texts.length, 1);
});

test("beyond its share the latest message of each conversation follows, with the mentions of those before it", () => {
  const shares = sharesOf();
  const { seq } = exhaust(shares, { mentions: ["member-1"] });
  const later = shares.admit(
    0,
    [said(seq + 1, { mentions: ["member-2"] }), said(seq + 2), said(seq + 3, { conversation: "g_2" })],
    0,
  );
  assert.deepEqual([later.texts, later.coalesced, later.dropped], [[], 2, 0]);
  assert.equal(shares.size, 2);
  const redone = shares.admit(0, [said(seq + 1)], 0);
  assert.equal(redone.coalesced, 1, "a new owner tells an earlier one again");
  assert.deepEqual(taken(shares, 0), [], "not yet");
  const told = entriesOf(taken(shares, DAY_MS)) as QueuedMessage[];
  assert.deepEqual(told.map(({ conversation, seq: at }) => `${conversation} ${at}`).toSorted(), [
    `g_1 ${seq + 2}`,
    `g_2 ${seq + 3}`,
  ]);
  const first = told.find(({ conversation }) => conversation === "g_1");
  assert.deepEqual(first?.mentions, ["member-1", "member-2"]);
  assert.deepEqual([shares.size, shares.bytes], [0, 0]);
});

test("a message does not overtake an earlier one of its sender that waits", () => {
  const shares = sharesOf();
  const { seq } = exhaust(shares);
  const { texts, coalesced } = shares.admit(0, [said(seq + 1)], DAY_MS);
  assert.deepEqual(
    entriesOf(texts).map((entry) => entry.seq),
    [seq + 1],
    "it stands for it",
  );
  assert.deepEqual([coalesced, shares.size], [1, 0]);
});

test("who reads has a share too, and the latest mark stands for all", () => {
  const shares = sharesOf();
  const reads: QueuedRead[] = Array.from({ length: 20_000 }, (_, index) => ({
    is: "read",
    conversation: "g_1",
    user: "eve",
    seq: index,
    no: index,
  }));
  const { texts } = shares.admit(0, reads, 0);
  assert.ok(texts.length > 1_000 && texts.length < reads.length);
  assert.deepEqual(entriesOf(taken(shares, DAY_MS)), [reads.at(-1)]);
});

test("what waits of a partition that goes to another owner is taken at once", () => {
  const shares = sharesOf();
  const { seq } = exhaust(shares);
  shares.admit(1, [said(seq + 1, { conversation: "g_of_1" })], 0);
  assert.deepEqual(
    entriesOf(taken(shares, 0, 1)).map((entry) => entry.conversation),
    ["g_of_1"],
  );
  assert.equal(shares.size, 1);
});

test("what is held back is bounded: the oldest is dropped and counted", () => {
  const shares = sharesOf();
  const { seq } = exhaust(shares);
  let dropped = 0;
  for (let i = 0; dropped === 0; i += 1) {
    assert.ok(shares.bytes <= 16_777_216);
    dropped = shares.admit(0, [said(seq + 1 + i, { conversation: `g_${i + 2}` })], 0).dropped;
  }
  assert.equal(dropped, 1);
  assert.ok(shares.bytes <= 16_777_216 && shares.size > 100);
});
