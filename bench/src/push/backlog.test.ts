import assert from "node:assert/strict";
import { test } from "node:test";
import { BURST, backlogEntry, backlogIndex, kindOf } from "./backlog.ts";
import { Heard } from "./heard.ts";
import { indexOf, placesOf, seqOf } from "./places.ts";

const CIRCLE = { people: 6, conversations: 15, partitions: 4 };
const FIRST = 100;
const places = placesOf(CIRCLE);
const conversationOf = (place: number): number => Math.floor(place / 2);

test("each pair has one conversation, with both of its sides", () => {
  assert.equal(places.length, 2 * CIRCLE.conversations);
  assert.equal(new Set(places.map(({ conversation }) => conversation)).size, CIRCLE.conversations);
  assert.equal(new Set(places.map(({ from, to }) => `${from} ${to}`)).size, places.length);
});

test("the entry of a run is found by its conversation and seq, and seqs of a conversation rise", () => {
  const newest = new Map<number, number>();
  for (let index = 0; index < 5 * places.length; index += 1) {
    const conversation = conversationOf(index % places.length);
    const seq = seqOf(index, places.length);
    assert.equal(indexOf(conversation, seq, places.length), index);
    assert.ok(seq > (newest.get(conversation) ?? 0));
    newest.set(conversation, seq);
  }
});

test("the entry of a backlog is found by its conversation and seq, and seqs of a conversation rise", () => {
  const newest = new Map<string, number>();
  for (let index = 0; index < 3 * BURST * places.length; index += 1) {
    const { entry } = backlogEntry(index, { places, first: FIRST, now: 0 });
    const conversation = conversationOf(Math.floor(index / BURST) % places.length);
    assert.equal(places[2 * conversation]?.conversation, entry.conversation);
    assert.equal(backlogIndex(conversation, entry.seq, places.length, FIRST), index);
    assert.ok(entry.seq > (newest.get(entry.conversation) ?? 0));
    newest.set(entry.conversation, entry.seq);
  }
});

test("a burst is heard of by the push of its last message, or by a later one of its place", () => {
  const bursts = 2 * places.length;
  const wanted = Array.from({ length: bursts }, (_, burst) => burst).filter(
    (burst) => kindOf(burst) === "wanted",
  );
  const heardOf = (said: (index: number) => boolean): number => {
    const heard = new Heard(CIRCLE, BURST * bursts, FIRST);
    for (const burst of wanted)
      for (let at = 0; at < BURST; at += 1) {
        const index = BURST * burst + at;
        if (said(index)) heard.take(backlogEntry(index, { places, first: FIRST, now: 0 }).entry);
      }
    return heard.unheard;
  };
  const isLast = (index: number): boolean => index % BURST === BURST - 1;
  assert.equal(heardOf(isLast), 0);
  assert.equal(
    heardOf((index) => !isLast(index)),
    wanted.length,
  );
  const lost = BURST * (bursts - 1) + BURST - 1;
  assert.equal(
    heardOf((index) => isLast(index) && index !== lost),
    1,
  );
  const isLater = (index: number): boolean => index >= BURST * places.length;
  const alone = wanted.filter(
    (burst) => burst < places.length && kindOf(burst + places.length) !== "wanted",
  ).length;
  assert.equal(
    heardOf((index) => isLast(index) && isLater(index)),
    alone,
  );
});
