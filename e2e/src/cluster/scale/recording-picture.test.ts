import assert from "node:assert/strict";
import { test } from "node:test";
import { pictureOf, roundedUp } from "./recording-picture.ts";
import type { Recording } from "./recording.ts";

const RECORDING: Recording = {
  name: "upgrade",
  startedAt: "2026-11-29T16:00:00.000Z",
  devices: 30,
  messagesPerSecond: 8,
  perSecond: 5,
  seconds: [
    { second: 0, connections: { "old-<1>": 30 }, reconnects: 0, acks: 8, p50Ms: 10, p99Ms: 20 },
    { second: 1, connections: { "old-<1>": 25, new: 5 }, reconnects: 5, acks: 0 },
    { second: 2, connections: {}, reconnects: 0, acks: 8, p50Ms: 10, p99Ms: 20_000 },
  ],
  marks: [{ second: 1, what: "0.1.0 → 0.1.1" }],
};

test("each pod has its columns, a second of which nothing is known has none, and a line has a gap there", () => {
  const picture = pictureOf(RECORDING);
  const columns = (color: string): number => picture.split(`fill="${color}"/>`).length - 1;
  assert.equal(columns("#2f7d4f"), 2 + 1, "two seconds, and one in the legend");
  assert.equal(columns("#b5541c"), 1 + 1);
  assert.ok(picture.includes("old-&lt;1&gt;") && !picture.includes("old-<1>"));
  const [, p50 = ""] = /<path d="([^"]*)"/.exec(picture) ?? [];
  assert.equal(p50.split("M").length - 1, 2, `it begins anew after the gap: ${p50}`);
  assert.ok(picture.includes("0.1.0 → 0.1.1"));
  assert.ok(!picture.includes("NaN") && !picture.includes("Infinity"));
});

test("a recording without a second is a picture too", () => {
  const picture = pictureOf({ ...RECORDING, seconds: [], marks: [] });
  assert.ok(!picture.includes("NaN") && !picture.includes("Infinity"), picture);
});

test("scales end at round numbers", () => {
  assert.deepEqual([0, 1, 3, 7, 230, 2_000].map(roundedUp), [1, 1, 5, 10, 500, 2_000]);
});
