import assert from "node:assert/strict";
import { test } from "node:test";
import { PATIENCE_MS, Patience } from "./patience.ts";

test("a server is left once it has shown no quorum for three seconds", () => {
  const patience = new Patience(0);
  assert.equal(patience.isOver(PATIENCE_MS - 1), false);
  patience.seen(PATIENCE_MS);
  assert.equal(patience.isOver(2 * PATIENCE_MS - 1), false);
  assert.equal(patience.isOver(2 * PATIENCE_MS), true);
});

test("servers without a quorum are left ever more slowly until one has a quorum", () => {
  const patience = new Patience(0);
  const left: number[] = [];
  for (let now = 0; now < 300_000; now += 1_000) if (patience.isOver(now)) left.push(now / 1_000);
  assert.deepEqual(left, [3, 9, 21, 45, 93, 153, 213, 273]);
  patience.seen(300_000);
  assert.deepEqual(
    [302_999, 303_000].map((now) => patience.isOver(now)),
    [false, true],
  );
  assert.deepEqual(
    [308_999, 309_000].map((now) => patience.isOver(now)),
    [false, true],
  );
});

test("a new server gets its own three seconds", () => {
  const patience = new Patience(0);
  patience.restart(2_500);
  assert.equal(patience.isOver(5_499), false);
  assert.equal(patience.isOver(5_500), true);
});
