import assert from "node:assert/strict";
import { test } from "node:test";
import { fitted, longestFitting } from "./fitted.ts";

const json = (title: string, text: string): string => JSON.stringify({ title, text });
const EMPTY_BYTES = json("", "").length;

test("a text at the limit is whole, one byte more is cut", () => {
  const bytesMax = EMPTY_BYTES + 20;
  assert.equal(
    fitted({ title: "0123456789", text: "0123456789" }, bytesMax, json),
    json("0123456789", "0123456789"),
  );
  // An ellipsis has three bytes.
  assert.equal(
    fitted({ title: "0123456789", text: "0123456789x" }, bytesMax, json),
    json("0123456789", "0123456…"),
  );
});

test("it is cut between characters, and never within one", () => {
  const family = "👨‍👩‍👧‍👦";
  const room = Buffer.byteLength(family);
  for (let spare = 0; spare < room; spare += 1) {
    const bytesMax = EMPTY_BYTES + 3 + 2 * room + spare;
    assert.equal(
      fitted({ title: "", text: family.repeat(9) }, bytesMax, json),
      json("", `${family.repeat(2)}…`),
    );
  }
});

test("the title is cut once the text is gone, and what still does not fit is not sent", () => {
  const told = { title: "t".repeat(50), text: "text" };
  assert.equal(fitted(told, EMPTY_BYTES + 10, json), json("ttttttt…", ""));
  assert.equal(fitted(told, EMPTY_BYTES, json), json("", ""));
  assert.equal(fitted(told, EMPTY_BYTES - 1, json), undefined);
});

test("of a text without an end only a beginning is looked at", () => {
  let longest = 0;
  const text = longestFitting("é".repeat(5_000_000), 1_000, (text) => {
    longest = Math.max(longest, text.length);
    return Buffer.byteLength(text) <= 1_000;
  });
  assert.deepEqual([text?.length, longest <= 1_001], [499, true]);
});
