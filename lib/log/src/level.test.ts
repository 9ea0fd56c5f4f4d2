import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeLayout, encodeLayout } from "@jichat/protocol/log/layout.ts";
import { Level } from "./level.ts";
import { isDraining, levelOfOwner, ownerText } from "@jichat/protocol/bus/kv-values.ts";

test("a level rises and never falls, for any values in any order", () => {
  const level = new Level(1, 3);
  assert.equal(level.hear(0), "same", "a copy that is behind");
  assert.equal(level.current, 1);
  assert.equal(level.hear(3), "raised");
  assert.equal(level.hear(2), "same");
  assert.equal(level.hear(3), "same");
  assert.deepEqual(level.said, { known: 3, cluster: 3 });
});

test("a level above the known ones is reported and not used", () => {
  const level = new Level(0, 1);
  assert.equal(level.hear(2), "unknown");
  assert.deepEqual(level.said, { known: 1, cluster: 0 });
  assert.equal(level.hear(1), "raised");
});

test("a layout at level 0 is the one that level 0 writes, and builds of level 0 refuse it from level 1 on", () => {
  assert.equal(encodeLayout({ partitions: 16, level: 0 }), '{"version":1,"partitions":16}');
  const raised = encodeLayout({ partitions: 16, level: 1 });
  assert.ok(
    (JSON.parse(raised) as { version: number }).version > 1,
    "the only version that level 0 takes is 1",
  );
  for (const level of [0, 1, 7])
    assert.deepEqual(decodeLayout(encodeLayout({ partitions: 4, level }), "c"), { partitions: 4, level });
});

test("a layout of an unknown version is refused, and so is a broken one", () => {
  assert.throws(
    () => decodeLayout('{"version":3,"partitions":4}', "c"),
    /c has layout version 3.*newer JiChat/,
  );
  for (const text of ["{}", '{"version":2}', '{"version":2,"partitions":4,"level":"1"}'])
    assert.throws(() => decodeLayout(text, "c"), text);
});

test("an owner reports the level that it knows, and a build of level 0 reports none and can read the entry", () => {
  const isDrainingAtLevel0 = (entry: string): boolean => entry === "draining";
  for (const draining of [false, true]) {
    assert.equal(isDrainingAtLevel0(ownerText(1, draining)), draining);
    assert.equal(isDraining(ownerText(1, draining)), draining);
  }
  assert.equal(levelOfOwner(ownerText(1, false)), 1);
  for (const entry of ["serving", "draining", ownerText(1, true), "serving ", "serving x", ""])
    assert.equal(levelOfOwner(entry), undefined, entry);
});
