import assert from "node:assert/strict";
import { test } from "node:test";
import { headCost } from "./presence-update.ts";

test("the cost of a head in a script grows with its body and its facets", () => {
  const head = { conversation: "g_1", position: 1, seq: 1, no: 1, ts: 1, kind: "group" } as const;
  const pins = Array.from({ length: 100 }, (_, index) => 1_000_000 + index);
  assert.equal(headCost({ conversation: "g_1", position: 1, ts: 1 }), 1);
  assert.equal(headCost(head), 1);
  assert.equal(headCost({ ...head, facets: { pins: [1] } }), 1);
  assert.equal(headCost({ ...head, facets: { pins } }), 2);
});
