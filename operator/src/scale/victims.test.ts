import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConnectorPod } from "./fleet.ts";
import { podOf } from "../../test/pod-of.ts";
import { victimsOf } from "./victims.ts";

interface Row {
  readonly what: string;
  readonly pods: readonly ConnectorPod[];
  readonly count: number;
  readonly go: readonly string[];
}

const ROWS: readonly Row[] = [
  {
    what: "the one with the fewest devices",
    pods: [podOf("a", { connections: 30 }), podOf("b", { connections: 10 }), podOf("c", { connections: 20 })],
    count: 1,
    go: ["b"],
  },
  {
    what: "one of an old revision before that",
    pods: [podOf("a", { connections: 0 }), podOf("b", { connections: 900, revision: "old" })],
    count: 1,
    go: ["b"],
  },
  {
    what: "one that is not ready before both",
    pods: [podOf("a", { revision: "old" }), podOf("b"), podOf("c", { isReady: false, connections: 5 })],
    count: 2,
    go: ["c", "a"],
  },
  {
    what: "one that does not run yet before one that runs and is not ready",
    pods: [
      podOf("a", { isReady: false, connections: 5 }),
      podOf("b", { isReady: false, isRunning: false, connections: undefined, node: undefined }),
    ],
    count: 1,
    go: ["b"],
  },
  {
    what: "one of the full node, although the other node's has fewer devices",
    pods: [
      podOf("a", { node: "x", connections: 50 }),
      podOf("b", { node: "x", connections: 40 }),
      podOf("c", { node: "y", connections: 1 }),
      podOf("d", { node: "x", connections: 60 }),
    ],
    count: 2,
    go: ["b", "a"],
  },
  {
    what: "the last one of a node while each has one",
    pods: [podOf("a", { node: "x", connections: 2 }), podOf("b", { node: "y", connections: 1 })],
    count: 1,
    go: ["b"],
  },
  {
    what: "one that does not say how many devices it has comes last",
    pods: [podOf("a", { connections: undefined }), podOf("b", { connections: 9_000 })],
    count: 1,
    go: ["b"],
  },
  { what: "all, and no more", pods: [podOf("a"), podOf("b")], count: 5, go: ["a", "b"] },
  { what: "nobody for a count below zero", pods: [podOf("a")], count: -2, go: [] },
];

for (const { what, pods, count, go } of ROWS)
  test(`who goes: ${what}`, () => {
    assert.deepEqual(
      victimsOf(pods, count, "new").map(({ name }) => name),
      go,
    );
    const again = victimsOf(pods.toReversed(), count, "new").map(({ name }) => name);
    assert.deepEqual(again, go, "whatever order they are seen in");
  });
