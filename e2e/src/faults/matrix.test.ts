import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "./outcome.ts";
import { shortfalls, tableOf } from "./outcome.ts";
import { FAULTS_PER_SEED, KINDS, cellsOf, leavesQuorum, nameOf, readCell } from "./matrix.ts";
import { TimedLedger, Waits } from "./waits.ts";

const role = (host: string): string => host.replace(/-\d$/, "");

test("a seed always has the same faults, and three in a row have every kind on every role, and pairs", () => {
  for (const seed of [1, 2, 3, 1_000]) {
    const cells = [seed, seed + 1, seed + 2].flatMap(cellsOf);
    assert.equal(cells.length, 3 * FAULTS_PER_SEED);
    assert.deepEqual(cellsOf(seed).map(nameOf), cellsOf(seed).map(nameOf));
    const singles = cells.flatMap(({ faults }) => (faults.length === 1 ? faults : []));
    const had = new Set(singles.map(({ kind, host }) => `${kind} ${role(host)}`));
    assert.equal(had.size, 65);
    assert.deepEqual(new Set(singles.map(({ kind }) => kind)), new Set(Object.keys(KINDS)));
    const pairs = cells.filter(({ faults }) => faults.length === 2);
    assert.ok(pairs.length >= 9 && pairs.every(({ faults: [a, b] }) => a?.host !== b?.host));
  }
});

test("the name of a cell is read back, and nothing else is accepted", () => {
  for (const cell of cellsOf(7)) assert.deepEqual(readCell(nameOf(cell), 7), cell);
  for (const wrong of ["", "kill", "kill nobody", "full redis", "split router-1", "kill nats-1 + full api"])
    assert.equal(readCell(wrong, 1), undefined, wrong);
});

const outcome: Outcome = {
  faults: "",
  seed: 1,
  over: "namespaces",
  acks: 1,
  sendMs: 10_000,
  pullMs: 10_000,
  liveMs: 10_000,
  levelMs: 10_000,
  wrong: [],
};

test("waits count only with a quorum, the time to catch up always, each at its limit and past it", () => {
  const quorum = { seed: 1, faults: [{ kind: "cut", host: "nats-2" }] } as const;
  const alone = { seed: 1, faults: [{ kind: "cut", host: "redis" }] } as const;
  assert.ok(leavesQuorum(quorum) && !leavesQuorum(alone));
  assert.ok(!leavesQuorum({ seed: 1, faults: [...quorum.faults, ...alone.faults] }));
  assert.deepEqual(shortfalls(quorum, outcome), []);
  for (const wish of ["sendMs", "pullMs", "liveMs"] as const) {
    assert.equal(shortfalls(quorum, { ...outcome, [wish]: 10_001 }).length, 1);
    assert.deepEqual(shortfalls(alone, { ...outcome, [wish]: 10_001 }), []);
  }
  assert.equal(shortfalls(alone, { ...outcome, levelMs: 10_001 }).length, 1);
  assert.deepEqual(shortfalls(alone, { ...outcome, wrong: ["I1: a|b"] }), ["I1: a|b"]);
  const table = tableOf([
    { cell: alone, outcome: { ...outcome, faults: "cut redis", wrong: ["I1: a|b", "I2"] } },
  ]);
  assert.match(
    table,
    /^\| cut redis \| 1 \| 1 \| 10\.0 \| 10\.0 \| 10\.0 \| 10\.0 \| I1: a\/b \(and 1 more\) \|$/m,
  );
});

test("the wait for an ack counts from the send, and that for an event from when it was first known", () => {
  let now = 0;
  const waits = new Waits(() => now);
  const ledger = new TimedLedger(waits);
  for (const user of ["ann", "bob", "cid"]) ledger.device(user, "phone");
  const event = { conversation: "g", seq: 1, no: 1, kind: "message", id: "a", from: "ann", ts: 1 } as const;
  ledger.sent("ann", "phone", "g", "a");
  now = 100;
  ledger.received("cid", "phone", event); // Before `start`: no part of it, but known from here on.
  waits.start();
  now = 700;
  ledger.acked("ann", "phone", { id: "a", conversation: "g", seq: 1 });
  assert.deepEqual([waits.longest("send"), waits.longest("live")], [700, 0]);
  now = 2_100;
  ledger.received("bob", "phone", event);
  assert.equal(waits.longest("live"), 2_000);
  assert.equal(waits.levelAfter(0), 0, "two seconds are not noticed");
  now = 5_000;
  waits.ended("pull", 2_999);
  assert.equal(waits.longest("pull"), 2_001);
  assert.deepEqual([waits.levelAfter(1_500), waits.levelAfter(6_000)], [3_500, 0]);
});
