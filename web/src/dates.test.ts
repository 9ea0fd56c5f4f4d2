import assert from "node:assert/strict";
import { test } from "node:test";
import { localeOf, tomorrowAfter } from "./dates.ts";

test("times are in the reader's own form of the page's language", () => {
  assert.equal(localeOf("en", ["de-DE", "en-GB", "en-US"]), "en-GB");
  assert.equal(localeOf("zh", ["ZH-TW"]), "ZH-TW");
  assert.equal(localeOf("zh", ["en-US", "enm"]), "zh");
});

test("tomorrow begins at 8 of the next day, also at midnight and at the end of a month", () => {
  for (const now of [new Date(2026, 10, 30, 23, 59), new Date(2026, 10, 30), new Date(2026, 10, 30, 9)])
    assert.equal(tomorrowAfter(now.getTime()), new Date(2026, 11, 1, 8).getTime());
});
