import assert from "node:assert/strict";
import { test } from "node:test";
import type { ListEntry } from "@jichat/protocol/bus/query.ts";
import { entryText, readEntry } from "./presence-texts.ts";

const bare: ListEntry = { conversation: "g_1", position: 7, first: 1, mark: 5, markNo: 4 };
const left: ListEntry = { conversation: "g_1", position: 9, first: 0, mark: 0, markNo: 0, left: 20 };
const muted: ListEntry = {
  ...bare,
  settings: { muted: { until: 1_800_000_000_000, mentionsOnly: true }, at: 7 },
};
const forGood: ListEntry = { ...bare, settings: { muted: {}, at: 6 } };
const unmuted: ListEntry = { ...bare, settings: { at: 7 } };

/** How builds of level 0 and 1 read an entry: `readEntry` and the patterns of the scripts, as they were. */
function readAsLevelOne(text: string): object {
  const [position = 0, first = 0, mark = 0, markNo = 0, gone = 0] = text.split(" ").map(Number);
  return {
    entry: { conversation: "g_1", position, first, mark, markNo, ...(gone === 0 ? {} : { left: gone }) },
    positionOf: /^\d+/.exec(text)?.[0],
    isIn: /\d+$/.exec(text)?.[0] === "0",
  };
}

test("an entry is read as it was written", () => {
  for (const entry of [bare, left, muted, forGood, unmuted])
    assert.deepEqual(readEntry("g_1", entryText(entry)), entry);
});

test("an entry without settings is written as builds of level 0 and 1 write it", () => {
  assert.equal(entryText(bare), "7 1 5 4 0");
  assert.equal(entryText(left), "9 0 0 0 20");
  assert.equal(entryText(forGood), '7 1 5 4 0 {"muted":{},"at":6} 0');
});

test("builds of level 0 and 1, and their scripts, read any entry as if it had no settings", () => {
  assert.deepEqual(readAsLevelOne(entryText(muted)), readAsLevelOne(entryText(bare)));
  for (const entry of [bare, left, muted, forGood, unmuted]) {
    const { settings: _, ...rest } = entry;
    assert.deepEqual(readAsLevelOne(entryText(entry)), {
      entry: rest,
      positionOf: `${entry.position}`,
      isIn: entry.left === undefined,
    });
  }
});
