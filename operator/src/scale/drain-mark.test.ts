import assert from "node:assert/strict";
import { test } from "node:test";
import type { DrainMark } from "./drain-mark.ts";
import { markText, readMark } from "./drain-mark.ts";

const NOW = Date.parse("2026-03-03T00:00:00.000Z");

test("a mark is read as it was written", () => {
  const mark: DrainMark = {
    why: "OldRevision",
    since: NOW - 5_000,
    turnSince: NOW - 1_000,
    deadline: NOW,
    perSecond: 200,
    to: 3,
    goesSince: NOW,
    forced: 7,
  };
  assert.deepEqual(readMark(markText(mark), 0), mark);
  assert.deepEqual(readMark(markText({ why: "ScaleIn", since: NOW }), 0), { why: "ScaleIn", since: NOW });
  assert.match(markText(mark), /"since":"2026-03-02T23:59:55.000Z"/, "for people");
  assert.equal(readMark(undefined, NOW), undefined);
});

test("what a person wrote is a drain that was asked for", () => {
  for (const text of ["", "yes", "[]", "null", "{}", '{"why":"Because"}', '{"why":"Asked","to":-1}'])
    assert.deepEqual(readMark(text, NOW), { why: "Asked", since: NOW }, text);
});
