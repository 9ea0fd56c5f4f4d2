import assert from "node:assert/strict";
import { test } from "node:test";
import { partitionsText, readPartitions } from "./owned-partitions.ts";

test("partitions are written in rising order, and a text that is not a list of them is refused", () => {
  assert.deepEqual(readPartitions(partitionsText(new Set([10, 2, 0]))), [0, 2, 10]);
  assert.deepEqual(readPartitions(partitionsText([])), []);
  for (const text of ["", "7", "{}", '["1"]', "[1.5]", "[-1]", "[null]"])
    assert.throws(() => readPartitions(text), Error, text);
});
