import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import type { ConversationShot, Snapshot } from "@jichat/protocol/log/snapshot.ts";
import { readSnapshot, snapshotPieces } from "@jichat/protocol/log/snapshot.ts";
import { packSnapshot } from "./snapshots.ts";

const conversation = (n: number): ConversationShot => ({
  id: `c${n}`,
  kind: "direct",
  name: undefined,
  creator: "ann",
  head: n,
  no: n,
  ts: 1,
  position: n,
  members: [["ann", { first: 1, mark: n, markNo: n }]],
  knownFrom: 0,
  idsFrom: 0,
  ids: Array.from({ length: 20 }, (_, at) => [`ann ${n} ${at} "é"`, { seq: at, ts: 1, position: at }]),
});

const snapshotOf = (conversations: number): Snapshot => ({
  v: 1,
  position: 7,
  done: 5,
  conversations: Array.from({ length: conversations }, (_, n) => conversation(n)),
});

test("a snapshot is read as it was packed, of whatever size", async () => {
  for (const conversations of [0, 1, 2, 300]) {
    const snapshot = snapshotOf(conversations);
    const text = gunzipSync(await packSnapshot(snapshot)).toString("utf8");
    assert.equal(text, JSON.stringify(snapshot), "the format of every version before");
    assert.deepEqual(readSnapshot(text), readSnapshot(JSON.stringify(snapshot)));
  }
});

test("a large snapshot is packed in many turns: whatever else this process does comes between", async () => {
  const snapshot = snapshotOf(2_000);
  const longest = Math.max(...[...snapshotPieces(snapshot)].map(({ length }) => length));
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  await packSnapshot(snapshot);
  isOver = true;
  const atOnce = JSON.stringify(snapshot).length / turns;
  assert.ok(atOnce < 65_536 + longest, `${turns} turns, ${Math.round(atOnce)} characters in each`);
});
