import assert from "node:assert/strict";
import { test } from "node:test";
import { hashOf, seqOf, targetOf } from "./route.ts";

test("an address leads to what it was made of", () => {
  for (const target of ["g_abc-1", "d_x", "@ann_1", undefined])
    assert.equal(targetOf(hashOf(target)), target);
});

test("an address may lead to a message", () => {
  const hash = hashOf("g_abc-1", 42);
  assert.deepEqual([hash, targetOf(hash), seqOf(hash)], ["#/c/g_abc-1/42", "g_abc-1", 42]);
  for (const none of [hashOf("g_abc-1"), "#/", "#/@ann", "#/c/g_abc/0", "#/c/g_abc/x"])
    assert.equal(seqOf(none), undefined, none);
});

test("what is no address leads to the list", () => {
  for (const hash of [
    "",
    "#",
    "#/c/",
    "#/c/a/b",
    "#/c/a/0",
    `#/c/a/${"1".repeat(16)}`,
    "#/c/a%20b",
    `#/c/${"x".repeat(65)}`,
    "#/@",
    "#javascript:x",
  ])
    assert.equal(targetOf(hash), undefined, hash);
});
