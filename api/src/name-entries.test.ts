import assert from "node:assert/strict";
import { test } from "node:test";
import { foldedName } from "@jichat/protocol/folded-name.ts";
import { entriesOf, rangeOf, userOfEntry } from "./name-entries.ts";

/** As Redis compares them: by bytes. */
const isIn = (entry: string, [first, last]: readonly [string, string]): boolean =>
  Buffer.compare(Buffer.from(entry), Buffer.from(first)) >= 0 &&
  Buffer.compare(Buffer.from(entry), Buffer.from(last)) <= 0;
const finds = (typed: string, name: string): boolean =>
  entriesOf("ann", name).some((entry) => isIn(entry, rangeOf(typed)));

test("a name is found by the beginning of any of its words, whatever case or accents are typed", () => {
  for (const typed of ["a", "Anna", "anna de la", "DE", "muller", "Müller", "Mü", "la m"])
    assert.ok(finds(typed, "Anna de la Müller"), typed);
  for (const typed of ["nna", "mueller", "Anna Müller", "b"])
    assert.ok(!finds(typed, "Anna de la Müller"), typed);
});

test("a name without spaces is found by any of its characters", () => {
  for (const typed of ["王", "小明", "明"]) assert.ok(finds(typed, "王小明"), typed);
  assert.ok(finds("きょ", "東京きょう"));
  assert.ok(finds("א", "שלום אבא"));
});

test("an entry tells its user, and a name has at most 16 entries", () => {
  assert.deepEqual(entriesOf("ann_1", "Ann O'Hara").map(userOfEntry), ["ann_1", "ann_1", "ann_1"]);
  assert.equal(entriesOf("ann", "字".repeat(128)).length, 16);
  assert.equal(entriesOf("ann", "🎉").length, 0);
  assert.equal(foldedName("  Ａnna\t B "), "anna b");
});
