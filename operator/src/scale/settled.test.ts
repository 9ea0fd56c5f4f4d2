import assert from "node:assert/strict";
import { test } from "node:test";
import { fleetWith } from "../../test/fleet-with.ts";
import { podOf } from "../../test/pod-of.ts";
import type { ConnectorPod } from "./fleet.ts";
import { isLeaving, unsettledOf } from "./settled.ts";

const NOW = 10_000_000;
const mark = { why: "ScaleIn", since: NOW - 60_000 } as const;
const isSettled = (but: Partial<ConnectorPod>): boolean =>
  unsettledOf(fleetWith([podOf("a", but)], { now: NOW })).length === 0;

const ROWS: readonly (readonly [string, Partial<ConnectorPod>, boolean])[] = [
  ["ready for less than 10 s", { readyChangedAt: NOW - 9_999 }, false],
  ["ready for 10 s", { readyChangedAt: NOW - 10_000 }, true],
  ["not ready for less than 20 s: it starts", { isReady: false, readyChangedAt: NOW - 19_999 }, false],
  ["not ready for 20 s: it may never be", { isReady: false, readyChangedAt: NOW - 20_000 }, true],
  ["not on a node yet", { isReady: false, node: undefined }, true],
  ["it is not said since when", {}, true],
  ["ready in a moment by a clock that is a little ahead", { readyChangedAt: NOW + 2_000 }, false],
  ["ready in an hour by a clock that is wrong", { readyChangedAt: NOW + 3_600_000 }, true],
  ["one that leaves itself takes no device", { readyChangedAt: NOW, mark }, true],
  ["one that ends takes no device", { readyChangedAt: NOW, isEnding: true }, true],
];

for (const [what, but, expected] of ROWS)
  test(`settled: ${what}`, () => {
    assert.equal(isSettled(but), expected);
  });

test("a pod leaves from its release until it is gone; once it ends, for 15 s at most", () => {
  const leaves = (goesSince: number | undefined, isEnding = true): boolean =>
    isLeaving(
      podOf("a", { isEnding, mark: goesSince === undefined ? mark : { ...mark, to: 1, goesSince } }),
      NOW,
    );
  assert.equal(leaves(undefined), false);
  assert.equal(leaves(NOW - 60_000, false), true);
  assert.equal(leaves(NOW), true);
  assert.equal(leaves(NOW - 14_999), true);
  assert.equal(leaves(NOW - 15_000), false);
  assert.equal(leaves(NOW + 3_600_000), false, "by a clock that was wrong");
});
