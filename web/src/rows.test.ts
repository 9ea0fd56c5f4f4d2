import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";
import type { EventRows } from "./rows.ts";
import { eventRowsOf } from "./rows.ts";

const NOON = new Date(2026, 5, 1, 12).getTime();
const said = (seq: number, from: string, minutes: number, more: Partial<ChatEvent> = {}): ChatEvent => ({
  conversation: "d_x",
  seq,
  no: seq,
  kind: "message",
  from,
  ts: NOON + minutes * 60_000,
  ...more,
});

const rowsOf = (events: readonly ChatEvent[], readAtOpen?: number) =>
  eventRowsOf({ events, me: "ann", readAtOpen }).rows;

test("a person who goes on talking is named once, and again after a pause, another person or a new day", () => {
  const rows = rowsOf([
    said(1, "ann", 0),
    said(2, "ann", 1),
    said(3, "bob", 2),
    said(4, "bob", 8),
    said(5, "bob", 24 * 60),
  ]);
  assert.deepEqual(
    rows.map(({ isHead, isNewDay }) => [isHead, isNewDay]),
    [
      [true, true],
      [false, false],
      [true, false],
      [true, false],
      [true, true],
    ],
  );
});

test("the line of new messages stands once, before the first unread message of others", () => {
  const rows = rowsOf([said(1, "bob", 0), said(2, "ann", 1), said(3, "bob", 2), said(4, "bob", 3)], 1);
  assert.deepEqual(
    rows.filter(({ isFirstNew }) => isFirstNew).map(({ key }) => key),
    ["3"],
  );
});

const people = ["ann", "bob", "cat"];
const thread: readonly ChatEvent[] = Array.from({ length: 60 }, (_, i) =>
  said(i + 1, people[((i * i) >> 2) % 3] ?? "ann", i * 37),
);
const edited = (events: readonly ChatEvent[], at: number): readonly ChatEvent[] =>
  events.map((event, i) => (i === at ? { ...event, edited: 1 } : event));

test("rows that go on from earlier ones are those of a thread that is made at once", () => {
  const views = [
    thread.slice(20, 40),
    thread.slice(20, 41),
    thread.slice(20, 50),
    edited(thread.slice(20, 50), 12),
    thread.slice(0, 50),
    thread.slice(10, 30),
    [],
    thread,
  ];
  for (const readAtOpen of [undefined, 0, 25, 45, 60]) {
    let made: EventRows | undefined;
    for (const events of views) {
      made = eventRowsOf({ events, me: "ann", readAtOpen }, made);
      assert.deepEqual(made, eventRowsOf({ events, me: "ann", readAtOpen }));
    }
    const anew = { events: thread, me: "bob", readAtOpen: 30 };
    assert.deepEqual(eventRowsOf(anew, made), eventRowsOf(anew));
  }
});

test("rows before the first line that differs are the same objects", () => {
  const before = eventRowsOf({ events: thread.slice(0, 50), me: "ann", readAtOpen: 45 });
  const appended = eventRowsOf({ events: thread, me: "ann", readAtOpen: 45 }, before);
  assert.ok(before.rows.every((row, at) => appended.rows[at] === row));
  assert.equal(before.rows.length, 50, "the earlier rows stay as they were");
  const changed = eventRowsOf({ events: edited(thread, 30), me: "ann", readAtOpen: 45 }, appended);
  assert.deepEqual(changed.rows.map((row, at) => row === appended.rows[at]).lastIndexOf(true), 29);
});
