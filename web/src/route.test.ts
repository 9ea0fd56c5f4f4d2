import assert from "node:assert/strict";
import { test } from "node:test";
import { hashOf, targetOf } from "./route.ts";

test("an address leads to what it was made of", () => {
  for (const target of ["g_abc-1", "d_x", "@ann_1", undefined])
    assert.equal(targetOf(hashOf(target)), target);
});

test("what is no address leads to the list", () => {
  for (const hash of [
    "",
    "#",
    "#/c/",
    "#/c/a/b",
    "#/c/a%20b",
    `#/c/${"x".repeat(65)}`,
    "#/@",
    "#javascript:x",
  ])
    assert.equal(targetOf(hash), undefined, hash);
});
