import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";
import { rowsOf } from "./rows.ts";

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

test("a person who goes on talking is named once, and again after a pause, another person or a new day", () => {
  const rows = rowsOf(
    [said(1, "ann", 0), said(2, "ann", 1), said(3, "bob", 2), said(4, "bob", 8), said(5, "bob", 24 * 60)],
    [],
    "ann",
    undefined,
  );
  assert.deepEqual(
    rows.map((row) => "event" in row && [row.isHead, row.isNewDay]),
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
  const rows = rowsOf(
    [said(1, "bob", 0), said(2, "ann", 1), said(3, "bob", 2), said(4, "bob", 3)],
    [],
    "ann",
    1,
  );
  assert.deepEqual(
    rows.filter((row) => "event" in row && row.isFirstNew).map(({ key }) => key),
    ["3"],
  );
});

test("what waits comes last", () => {
  const rows = rowsOf([said(1, "bob", 0)], [{ id: "w", text: "later" }], "ann", undefined);
  assert.deepEqual(
    rows.map(({ key }) => key),
    ["1", "w"],
  );
});
