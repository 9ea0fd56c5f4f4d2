import assert from "node:assert/strict";
import { test } from "node:test";
import type { HeadEntry, ListEntry } from "@jichat/protocol/bus/query.ts";
import type { OwnSettings } from "@jichat/protocol/frame/server-frame.ts";
import { listed } from "./list-order.ts";

const NOW = 1_800_000_000_000;
const head: HeadEntry = { conversation: "g_1", position: 9, seq: 5, no: 4, ts: NOW, kind: "group" };
const entryWith = (settings?: OwnSettings): ListEntry => ({
  conversation: "g_1",
  position: 7,
  first: 1,
  mark: 3,
  markNo: 2,
  ...(settings === undefined ? {} : { settings }),
});
const mutedIn = (entry: ListEntry, now: number): unknown => {
  const one = listed(entry, head, { user: "ann", now });
  assert.ok("head" in one);
  return "muted" in one ? one.muted : "not there";
};

test("a conversation is listed with its mute while that lasts, and without the field otherwise", () => {
  const until = NOW + 1_000;
  assert.equal(mutedIn(entryWith(), NOW), "not there");
  assert.deepEqual(mutedIn(entryWith({ muted: {} }), NOW), {});
  assert.deepEqual(mutedIn(entryWith({ muted: { until, mentionsOnly: true } }), until - 1), {
    until,
    mentionsOnly: true,
  });
  assert.equal(mutedIn(entryWith({ muted: { until } }), until), "not there");
});

test("a conversation that was left is listed as left, and as nothing else", () => {
  const left = { ...entryWith({ muted: {} }), left: 4 };
  assert.deepEqual(listed(left, head, { user: "ann", now: NOW }), { conversation: "g_1", left: 4 });
});
