import assert from "node:assert/strict";
import { test } from "node:test";
import { KeyMemory } from "./key-memory.ts";

test("the written keys count until the watch reports the write, and the Secret's content counts after that", () => {
  const memory = new KeyMemory();
  assert.equal(memory.read("a", undefined), undefined);
  memory.writes("a", "1");
  assert.equal(memory.read("a", undefined), "1", "not heard of yet");
  memory.writes("a", "2");
  assert.equal(memory.read("a", undefined), "2");
  assert.equal(memory.read("a", "1"), "2", "heard of the first write alone");
  assert.equal(memory.read("a", "2"), "2");
  assert.equal(memory.read("a", undefined), undefined, "deleted: others are to be made");
  memory.writes("a", "3");
  assert.equal(memory.read("a", "theirs"), "theirs", "somebody else changed it");
  assert.equal(memory.read("b", undefined), undefined);
});
