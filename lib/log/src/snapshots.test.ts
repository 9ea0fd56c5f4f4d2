import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { gunzipSync, gzipSync } from "node:zlib";
import type { ConversationShot, SavedSnapshot, Snapshot } from "@jichat/protocol/log/snapshot.ts";
import { snapshotPieces } from "@jichat/protocol/log/snapshot.ts";
import type { Rest } from "./snapshots.ts";
import { packSnapshot, unpackSnapshot } from "./snapshots.ts";

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

const atOnce: Rest = async () => setImmediate();

/** How many turns of the event loop others had while `act` ran. */
async function turnsIn(act: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  const over = new AbortController();
  const counting = (async () => {
    for (; !over.signal.aborted; turns += 1) await setImmediate();
  })();
  await act();
  over.abort();
  await counting;
  return turns;
}

async function readAll({ conversations, ...head }: SavedSnapshot): Promise<Snapshot> {
  const all: ConversationShot[] = [];
  for await (const one of conversations) all.push(one);
  return { ...head, conversations: all };
}

test("a snapshot is read as it was packed, of whatever size, and so is one of an older build", async () => {
  for (const conversations of [0, 1, 2, 300]) {
    const snapshot = snapshotOf(conversations);
    const packed = await packSnapshot(snapshot);
    const text = gunzipSync(packed).toString("utf8");
    assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(snapshot)), "older builds can read it");
    const whole = await readAll(await unpackSnapshot(packed));
    assert.deepEqual(whole, JSON.parse(text));
    assert.deepEqual(await readAll(await unpackSnapshot(gzipSync(JSON.stringify(snapshot)))), whole);
  }
});

test("a snapshot that is cut off anywhere is not read as a shorter one", async () => {
  const text = gunzipSync(await packSnapshot(snapshotOf(3))).toString("utf8");
  const lines = Array.from(text.matchAll(/\n/gu), ({ index }) => index);
  for (const at of [
    0,
    1,
    20,
    ...lines.flatMap((line) => [line - 1, line, line + 1, line + 2]),
    text.length - 1,
  ])
    await assert.rejects(
      async () => readAll(await unpackSnapshot(gzipSync(text.slice(0, at)))),
      `${at} of ${text.length} characters`,
    );
});

test("a large snapshot is packed and read in many turns: whatever else this process does comes between", async () => {
  const snapshot = snapshotOf(2_000);
  const pieces = [...snapshotPieces(snapshot)].map(({ length }) => length);
  const length = pieces.reduce((sum, one) => sum + one, 0);
  let rests = 0;
  const packed = await packSnapshot(snapshot, async () => {
    rests += 1;
    return atOnce();
  });
  assert.ok(length / (rests + 1) < 65_536 + Math.max(...pieces), `${rests} rests in ${length} characters`);
  assert.ok((await turnsIn(async () => packSnapshot(snapshot))) >= rests);
  const saved = await unpackSnapshot(packed);
  const turns = await turnsIn(async () => readAll(saved));
  assert.ok(length / turns < 2 * 65_536, `${turns} turns for ${length} characters`);
});
