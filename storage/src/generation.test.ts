import assert from "node:assert/strict";
import { test } from "node:test";
import { furthest, lostEvents } from "./generation.ts";

const known = { conversation: "g_1", seq: 9, no: 6, ts: 500 };

test("lost events are filled in seq by seq, up to the known head and its count of messages", () => {
  const events = lostEvents(known, { head: 6, no: 4, ts: 400 });
  assert.deepEqual(
    events.map(({ seq, no, kind, ts }) => [seq, no, kind, ts]),
    [
      [7, 5, "lost", 500],
      [8, 6, "lost", 500],
      [9, 6, "lost", 500],
    ],
  );
});

test("nothing is filled in if ClickHouse holds the known head or more", () => {
  assert.deepEqual(lostEvents(known, { head: 9, no: 6, ts: 500 }), []);
  assert.deepEqual(lostEvents(known, { head: 12, no: 8, ts: 900 }), []);
});

test("the time does not fall, whichever of the two clocks was ahead", () => {
  assert.equal(lostEvents(known, { head: 8, no: 5, ts: 900 })[0]?.ts, 900);
});

test("a conversation that is lost entirely begins with `created` and the known members", () => {
  const events = lostEvents(
    { conversation: "g_1", seq: 3, no: 2, ts: 5, name: "G", creator: "ann", members: ["ann", "bob"] },
    undefined,
  );
  assert.deepEqual(
    events.map(({ seq, no, kind, from }) => [seq, no, kind, from]),
    [
      [1, 0, "created", "ann"],
      [2, 1, "lost", ""],
      [3, 2, "lost", ""],
    ],
  );
  assert.deepEqual([events[0]?.users, events[0]?.name], [["ann", "bob"], "G"]);
});

test("of two known states the one with the higher seq counts, and members come from either one", () => {
  const snapshot = { conversation: "g_1", seq: 5, no: 3, ts: 100, members: ["ann", "bob"], creator: "ann" };
  assert.deepEqual(furthest(snapshot, known), {
    ...known,
    name: undefined,
    members: ["ann", "bob"],
    creator: "ann",
  });
  assert.equal(furthest(undefined, known), known);
});
