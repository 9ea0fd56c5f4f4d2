import assert from "node:assert/strict";
import { test } from "node:test";
import { sizeOf } from "./text-size.ts";

/** `{"text":""}` */
const AROUND = 11;

test("a text at the limit is taken, one byte more is not; characters count as their bytes", () => {
  assert.deepEqual(sizeOf("x".repeat(100 - AROUND), 100), {
    bytes: 100,
    max: 100,
    isShown: true,
    isOver: false,
  });
  assert.equal(sizeOf("x".repeat(101 - AROUND), 100).isOver, true);
  assert.equal(sizeOf("字").bytes, AROUND + 3);
  assert.equal(sizeOf('\n"').bytes, AROUND + 4, "as JSON writes them");
  assert.equal(sizeOf("short").isShown, false);
});
