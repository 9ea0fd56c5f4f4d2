import assert from "node:assert/strict";
import { test } from "node:test";
import type { HeadEntry, ListEntry } from "@jichat/protocol/bus/query.ts";
import type { KeptSettings } from "@jichat/protocol/frame/server-frame.ts";
import { listed } from "./list-order.ts";

const NOW = 1_800_000_000_000;
const head: HeadEntry = { conversation: "g_1", position: 9, seq: 5, no: 4, ts: NOW, kind: "group" };
const entryWith = (settings?: KeptSettings): ListEntry => ({
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
  assert.deepEqual(mutedIn(entryWith({ muted: {}, at: 7 }), NOW), {});
  assert.deepEqual(mutedIn(entryWith({ muted: { until, mentionsOnly: true }, at: 7 }), until - 1), {
    until,
    mentionsOnly: true,
  });
  assert.equal(mutedIn(entryWith({ muted: { until }, at: 7 }), until), "not there");
});

test("the position of the latest change is listed, also once nothing is muted any more", () => {
  const atIn = (entry: ListEntry): unknown => {
    const one = listed(entry, head, { user: "ann", now: NOW });
    return "settingsAt" in one ? one.settingsAt : "not there";
  };
  assert.equal(atIn(entryWith()), "not there");
  assert.equal(atIn(entryWith({ muted: { until: NOW }, at: 6 })), 6);
  assert.equal(atIn(entryWith({ at: 7 })), 7);
});

test("a conversation that was left is listed as left, and as nothing else", () => {
  const left = { ...entryWith({ muted: {}, at: 7 }), left: 4 };
  assert.deepEqual(listed(left, head, { user: "ann", now: NOW }), { conversation: "g_1", left: 4 });
});
