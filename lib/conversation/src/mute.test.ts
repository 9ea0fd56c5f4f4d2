import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { OwnSettings } from "@jichat/protocol/frame/server-frame.ts";
import { MUTE_MAX_MS } from "@jichat/protocol/limits.ts";
import { readClientFrame } from "./client-frame.ts";
import { mute, unmute } from "./mute.ts";
import { isMutedFor, mutedAt } from "./muted.ts";
import type { Member, View } from "./state.ts";
import type { Look } from "./verb.ts";

const NOW = 1_800_000_000_000;
const LATER = NOW + 3_600_000;
const look: Look = { ts: NOW, eventAt: () => assert.fail("nothing of the past matters") };
const IDS = { id: "i", conversation: "g_1" };

/** A group of ann, whose settings are these, and bob, who has none. */
const group = (settings?: OwnSettings): View => ({
  id: "g_1",
  kind: "group",
  head: 9,
  no: 7,
  creator: "bob",
  name: "us",
  facets: {},
  members: new Map<string, Member>([
    ["ann", { first: 1, mark: 1, markNo: 1, ...(settings === undefined ? {} : { settings }) }],
    ["bob", { first: 1, mark: 1, markNo: 1 }],
  ]),
});

const muteAs = (user: string, fields: object, settings?: OwnSettings) =>
  mute.decide(group(settings), user, { ...IDS, ...fields }, look);
const unmuteAs = (user: string, settings?: OwnSettings) => unmute.decide(group(settings), user, IDS, look);

const refuses = (act: () => unknown, code: string, message = /./): void => {
  assert.throws(
    act,
    (error) => error instanceof ChatError && error.code === code && message.test(error.message),
  );
};

test("a member mutes a conversation for good, until a time, or but for mentions", () => {
  assert.deepEqual(muteAs("ann", {}), { muted: {} });
  assert.deepEqual(muteAs("ann", { until: LATER }), { muted: { until: LATER } });
  assert.deepEqual(muteAs("ann", { mentionsOnly: true }), { muted: { mentionsOnly: true } });
  assert.deepEqual(muteAs("ann", { mentionsOnly: false }), { muted: {} });
  refuses(() => muteAs("cy", {}), "NOT_FOUND");
});

test("an end in the past, or too far ahead, is refused by the field's name, the last one within is taken", () => {
  for (const until of [0, NOW - 1, NOW])
    refuses(() => muteAs("ann", { until }), "CONFLICT", /`until` is not in the future/);
  assert.deepEqual(muteAs("ann", { until: NOW + 1 }), { muted: { until: NOW + 1 } });
  const last = NOW + MUTE_MAX_MS;
  assert.deepEqual(muteAs("ann", { until: last }), { muted: { until: last } });
  refuses(() => muteAs("ann", { until: last + 1 }), "CONFLICT", /`until` is more than 10 years ahead/);
  refuses(() => muteAs("cy", { until: 0 }), "NOT_FOUND");
});

test("a mute that is the present one changes nothing, any other one takes its place as a whole", () => {
  const both = { muted: { until: LATER, mentionsOnly: true } } as const;
  assert.equal(muteAs("ann", both.muted, both), "unchanged");
  assert.equal(muteAs("ann", {}, { muted: {} }), "unchanged");
  assert.deepEqual(muteAs("ann", { until: LATER }, both), { muted: { until: LATER } });
  assert.deepEqual(muteAs("ann", {}, both), { muted: {} });
  assert.deepEqual(muteAs("bob", {}, both), { muted: {} });
});

test("an unmute ends a mute; where there is none, or none any more, it changes nothing", () => {
  assert.equal(unmuteAs("ann", { muted: { until: LATER } }), undefined);
  assert.equal(unmuteAs("ann"), "unchanged");
  assert.equal(unmuteAs("ann", { muted: { until: NOW } }), "unchanged");
  refuses(() => unmuteAs("cy"), "NOT_FOUND");
});

test("both verbs are unknown frames below level 2", () => {
  for (const t of ["mute", "unmute"]) {
    const frame = { t, ...IDS };
    assert.equal(readClientFrame(frame, 8_192, 2).t, t);
    for (const level of [0, 1]) refuses(() => readClientFrame(frame, 8_192, level), "FRAME_UNKNOWN");
  }
});

test("which messages are muted for ann", () => {
  const [bobOnly, annToo] = [["bob"], ["bob", "ann"]];
  const table: readonly (readonly [OwnSettings | undefined, readonly string[] | undefined, boolean])[] = [
    [undefined, undefined, false],
    [{}, undefined, false],
    [{ muted: {} }, undefined, true],
    [{ muted: {} }, annToo, true],
    [{ muted: { until: NOW + 1 } }, undefined, true],
    [{ muted: { until: NOW } }, undefined, false],
    [{ muted: { until: NOW - 1 } }, undefined, false],
    [{ muted: { mentionsOnly: true } }, undefined, true],
    [{ muted: { mentionsOnly: true } }, [], true],
    [{ muted: { mentionsOnly: true } }, bobOnly, true],
    [{ muted: { mentionsOnly: true } }, annToo, false],
    [{ muted: { until: NOW, mentionsOnly: true } }, bobOnly, false],
  ];
  for (const [settings, mentions, isMuted] of table)
    assert.equal(
      isMutedFor({ user: "ann", settings }, mentions, NOW),
      isMuted,
      JSON.stringify({ settings, mentions }),
    );
});

test("a mute that has ended is not shown", () => {
  assert.deepEqual(mutedAt({ muted: { until: LATER } }, NOW), { until: LATER });
  assert.equal(mutedAt({ muted: { until: LATER } }, LATER), undefined);
  assert.equal(mutedAt(undefined, NOW), undefined);
});
