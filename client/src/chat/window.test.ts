import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConversationEvent, HistoryPage } from "../events.ts";
import { Window } from "./window.ts";

type Event = ConversationEvent<object>;
const ME = "ann";

const said = (seq: number, more: object = {}): Event => ({
  conversation: "c",
  seq,
  no: seq,
  kind: "message",
  from: "bob",
  ts: seq,
  body: { seq },
  ...more,
});
const range = (from: number, to: number): Event[] =>
  Array.from({ length: to - from + 1 }, (_, index) => said(from + index));
const page = (events: readonly Event[], more: boolean, head: number): HistoryPage<object> => ({
  t: "page",
  id: "q",
  conversation: "c",
  events,
  first: 1,
  head,
  more,
});
const seqs = (window: Window<object>): number[] => window.lines.map(({ seq }) => seq);
/** Lines 11 to 20 of 20. */
function newest(linesMax = 10): Window<object> {
  const window = new Window<object>(linesMax);
  window.restart(page(range(11, 20), true, 20));
  return window;
}

test("a live event is appended, comes once, and pushes out the oldest line", () => {
  const window = newest();
  assert.equal(window.event(said(21), ME), "taken");
  assert.equal(window.event(said(21), ME), "taken");
  assert.deepEqual([seqs(window).length, window.from, window.to, window.hasOlder], [10, 12, 21, true]);
});

test("an event beyond a hole is not shown: the hole is filled first", () => {
  const window = newest();
  assert.equal(window.event(said(22), ME), "hole");
  assert.equal(window.to, 20);
  window.newer(page(range(21, 22), false, 22));
  assert.deepEqual(seqs(window).slice(-2), [21, 22]);
});

test("older lines drop the newest: live events are elsewhere until the way back is paged", () => {
  const window = newest();
  window.older(page(range(6, 10), true, 20));
  assert.deepEqual([window.from, window.to, window.follows], [6, 15, false]);
  assert.equal(window.event(said(21), ME), "elsewhere");
  window.newer(page(range(16, 20), true, 21));
  assert.equal(window.follows, false);
  window.newer(page([said(21)], false, 21));
  assert.deepEqual([window.to, window.follows], [21, true]);
  assert.equal(window.event(said(22), ME), "taken");
});

test("a page with a hole, or one that does not join, is refused: nothing of it is shown", () => {
  const window = newest();
  const before = window.lines;
  for (const events of [range(5, 9), [said(8), said(10)]])
    assert.throws(() => window.older(page(events, true, 20)), { code: "INTERNAL" });
  assert.throws(() => window.newer(page([said(22)], false, 22)), { code: "INTERNAL" });
  assert.equal(window.lines, before);
});

test("an edit and a recall change their line, once, in whatever order they are heard", () => {
  const window = newest();
  const edit = said(21, { kind: "edited", target: 15, body: { edit: 1 } });
  const later = said(22, { kind: "edited", target: 15, body: { edit: 2 } });
  for (const event of [edit, later, edit]) window.event(event, ME);
  const line = window.lines.find(({ seq }) => seq === 15);
  assert.deepEqual([line?.body, line?.edited], [{ edit: 2 }, 22]);
  window.event(said(23, { kind: "recalled", target: 15, body: undefined }), ME);
  window.event(later, ME);
  const gone = window.lines.find(({ seq }) => seq === 15);
  assert.deepEqual([gone?.body, gone?.edited, gone?.recalled], [undefined, undefined, 23]);
  assert.equal(window.lines.length, 10);
});

test("a change is applied even where the window does not follow", () => {
  const window = newest();
  window.older(page(range(6, 10), true, 20));
  assert.equal(window.event(said(30, { kind: "recalled", target: 7, body: undefined }), ME), "elsewhere");
  assert.equal(window.lines.find(({ seq }) => seq === 7)?.recalled, 30);
});

test("whoever joins again sees nothing from before", () => {
  const window = newest();
  window.event(said(40, { kind: "joined", users: [ME], body: undefined }), ME);
  assert.deepEqual([seqs(window), window.hasOlder, window.follows], [[40], false, true]);
});

test("lines are the same array until one changes", () => {
  const window = newest();
  const { lines } = window;
  window.event(said(20), ME);
  window.event(said(21, { kind: "pinned", target: 12, body: undefined }), ME);
  assert.equal(window.lines, lines);
  assert.equal(window.to, 21);
  window.event(said(22), ME);
  assert.notEqual(window.lines, lines);
  assert.equal(lines.length, 10);
});
