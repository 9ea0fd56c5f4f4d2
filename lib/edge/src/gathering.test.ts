import assert from "node:assert/strict";
import { test } from "node:test";
import { beatMs, restMs } from "./gathering.ts";

test("lanes with few waiting commands do not rest, and gather longer, within bounds, the more wait", () => {
  const at = (unanswered: number): number[] => [beatMs(3, unanswered), restMs(3, unanswered)];
  assert.deepEqual([0, 8, 20, 32, 5_000].map(at), [
    [3, 0],
    [3, 0],
    [4.5, 3],
    [6, 6],
    [6, 6],
  ]);
  assert.deepEqual([beatMs(400, 0), beatMs(400, 100), restMs(400, 100)], [16, 16, 40]);
});
