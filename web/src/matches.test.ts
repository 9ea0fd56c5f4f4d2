import assert from "node:assert/strict";
import { test } from "node:test";
import { matches } from "./matches.ts";

test("names are found by the beginning of a word, whatever case and accents", () => {
  for (const typed of ["", "ann", "LAKE", "of the", "müll", "mull"])
    assert.ok(matches(typed, ["Anna of the Lake-Müller"]), typed);
  for (const typed of ["nna", "ake", "x"]) assert.ok(!matches(typed, ["Anna of the Lake"]), typed);
  assert.ok(matches("小明", ["王小明"]));
  assert.ok(matches("b", ["Ann", "ben"]));
});
