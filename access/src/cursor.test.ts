import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeCursor, decodePage, encodeCursor, encodePage } from "./cursor.ts";

test("a cursor comes back as it was, also with the largest positions and partitions, and fits a frame", () => {
  const positions = Array.from({ length: 256 }, (_, i) => (i === 0 ? 2 ** 48 : i * 1_000_003));
  assert.deepEqual(decodeCursor(encodeCursor(positions), 256), positions);
  const page = { since: positions, cursor: positions, ts: 1_800_000_000_000, after: "g_abc" };
  assert.deepEqual(decodePage(encodePage(page), 256), page);
  assert.ok(encodePage(page).length <= 4_096);
});

test("anything else is refused: rubbish, a cut one, another cluster's, a longer one", () => {
  const good = encodeCursor([1, 2, 3]);
  for (const bad of ["", "rubbish", good.slice(0, -2), `${good}AA`, "AAAA"])
    assert.throws(() => decodeCursor(bad, 3), { code: "FRAME_MALFORMED" }, bad);
  assert.throws(() => decodeCursor(good, 4), { code: "FRAME_MALFORMED" });
});
