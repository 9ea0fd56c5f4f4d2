import assert from "node:assert/strict";
import { test } from "node:test";
import { localeOf } from "./dates.ts";

test("times are in the reader's own form of the page's language", () => {
  assert.equal(localeOf("en", ["de-DE", "en-GB", "en-US"]), "en-GB");
  assert.equal(localeOf("zh", ["ZH-TW"]), "ZH-TW");
  assert.equal(localeOf("zh", ["en-US", "enm"]), "zh");
});
