import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "@jichat/conversation/command.ts";
import type { Answer } from "@jichat/protocol/bus/command.ts";
import type { BodyText } from "@jichat/protocol/frame/body.ts";
import type { KeptSettings } from "@jichat/protocol/frame/server-frame.ts";
import { BATCH_BYTES_MAX } from "@jichat/protocol/limits.ts";
import type { LogRecord } from "@jichat/protocol/log/record.ts";
import { readSnapshot, snapshotPieces } from "@jichat/protocol/log/snapshot.ts";
import { batchSizeOf } from "./batch-room.ts";
import type { Composed } from "./compose.ts";
import { compose } from "./compose.ts";
import { loadedConversation } from "./conversation.ts";
import { emptyUnit } from "./effect-unit.ts";
import { PartitionState } from "./partition-state.ts";
import { stateOf, takeSnapshot } from "./snapshot.ts";
import { Undone } from "./undone.ts";

const NOW = 1_800_000_000_000;
const LATER = NOW + 3_600_000;
const GROUP = "g_1";
const source = (user: string, session = `${user}-s`) => ({
  conversation: GROUP,
  user,
  device: "d",
  session,
});
const mute = (id: string, more: object = {}, session?: string): Command => ({
  ...source("ann", session),
  op: "mute",
  id,
  ...more,
});
const unmute = (id: string, session?: string): Command => ({
  ...source("ann", session),
  op: "unmute",
  id,
});

/** A partition with a group of ann and bob. Each batch takes the next position. */
class Reign {
  readonly state: PartitionState;
  readonly log: { readonly record: LogRecord; readonly position: number }[] = [];
  position = 0;

  constructor(state = new PartitionState()) {
    this.state = state;
    if (state.size > 0) return;
    state.load(GROUP, undefined);
    this.batch({ ...source("bob"), op: "create", id: "c", name: "us", members: ["ann"] });
  }

  batch(...commands: readonly Command[]): Composed {
    this.position += 1;
    const composed = compose(this.state, [commands], {
      position: this.position,
      now: NOW,
      logIsFull: false,
      waiting: {
        conversation: () => assert.fail("it is hot"),
        need: () => assert.fail("nothing is needed"),
      },
      batchSize: batchSizeOf(BATCH_BYTES_MAX),
    });
    for (const record of composed.records) this.log.push({ record, position: this.position });
    return composed;
  }

  one(command: Command): Answer | undefined {
    return this.batch(command).answers[0]?.[0];
  }

  settings(user = "ann"): KeptSettings | undefined {
    return this.state.get(GROUP)?.members.get(user)?.settings;
  }
}

test("a mute is acked with the head, and once: the same id again changes nothing, whatever came since", () => {
  const reign = new Reign();
  assert.deepEqual(reign.one(mute("1", { until: LATER })), { seq: 1, ts: NOW });
  assert.deepEqual(reign.settings(), { muted: { until: LATER }, at: 2 });
  reign.batch({ ...source("bob"), op: "send", id: "m", body: "{}" as BodyText });
  assert.deepEqual(reign.one(unmute("2")), { seq: 2, ts: NOW });
  assert.deepEqual(reign.settings(), { at: 4 });
  const { answers, records } = reign.batch(mute("1", { until: LATER }));
  assert.deepEqual([answers, records], [[[{ seq: 1, ts: NOW, duplicate: true }]], []]);
  assert.deepEqual(reign.settings(), { at: 4 });
});

test("a mute that changes nothing is remembered by its id, and moves nothing", () => {
  const reign = new Reign();
  reign.batch(mute("1"));
  const again = reign.batch(mute("2"));
  assert.deepEqual(again.records, [
    { r: "note", conversation: GROUP, user: "ann", id: "2", seq: 1, ts: NOW },
  ]);
  assert.deepEqual([again.effects.entries.size, [...again.effects.notices]], [0, []]);
});

test("a mute moves the user's entry, tells all sessions of the user, and is no event", () => {
  const { effects } = new Reign().batch(mute("1", { mentionsOnly: true }));
  assert.deepEqual([effects.events, effects.heads.size], [[], 0]);
  assert.deepEqual(
    [...effects.entries.values()].map(({ user, entry: { position, settings } }) => ({
      user,
      position,
      settings,
    })),
    [{ user: "ann", position: 2, settings: { muted: { mentionsOnly: true }, at: 2 } }],
  );
  assert.deepEqual(
    Array.from(effects.notices, ({ frame, users, origin, order }) => ({ frame, users, origin, order })),
    [
      {
        frame: '{"t":"settings","conversation":"g_1","muted":{"mentionsOnly":true},"at":2}',
        users: ["ann"],
        origin: undefined,
        order: 2,
      },
    ],
  );
});

test("of two changes in one batch the later one is in the entry, and is told", () => {
  const { effects } = new Reign().batch(mute("1", {}, "phone"), unmute("2", "laptop"));
  const [entry] = effects.entries.values();
  assert.deepEqual(entry?.entry.settings, { at: 2 });
  assert.deepEqual(
    Array.from(effects.notices, ({ frame }) => frame),
    ['{"t":"settings","conversation":"g_1","at":2}'],
  );
});

test("a mark and a mute do not take each other's place in the entry", () => {
  const reign = new Reign();
  reign.batch(mute("1"), { ...source("bob"), op: "send", id: "m", body: "{}" as BodyText });
  const { effects } = reign.batch({ ...source("ann"), op: "read", seq: 2 });
  const [entry] = effects.entries.values();
  assert.deepEqual([entry?.entry.mark, entry?.entry.settings], [2, { muted: {}, at: 2 }]);
  reign.batch(unmute("2"));
  assert.equal(reign.state.get(GROUP)?.members.get("ann")?.mark, 2);
});

test("settings end with the membership: who comes back has none", () => {
  const reign = new Reign();
  reign.batch(mute("1"), { ...source("ann"), op: "leave", id: "2" });
  assert.deepEqual(reign.one(mute("3")), {
    code: "NOT_FOUND",
    message: "this conversation does not exist, or you are not a member of it",
  });
  reign.batch({ ...source("bob"), op: "invite", id: "4", users: ["ann"] });
  assert.equal(reign.settings(), undefined);
});

test("settings are in a snapshot, in storage's facts, and in what a new owner replays", async () => {
  const reign = new Reign();
  reign.batch(mute("1", { until: LATER }));
  const text = [...snapshotPieces(takeSnapshot(reign.state, 2, 2))].join("");
  const restored = (await stateOf(readSnapshot(text))) ?? assert.fail();
  assert.deepEqual(new Reign(restored).settings(), { muted: { until: LATER }, at: 2 });
  assert.equal(new Reign(restored).settings("bob"), undefined);

  const replayed = new PartitionState();
  for (const { record, position } of reign.log) replayed.replay(record, position);
  assert.deepEqual(replayed.get(GROUP)?.members, reign.state.get(GROUP)?.members);
  assert.deepEqual(new Reign(replayed).one(mute("1", { until: LATER })), {
    seq: 1,
    ts: NOW,
    duplicate: true,
  });

  const facts = loadedConversation({
    conversation: GROUP,
    kind: "group",
    creator: "bob",
    head: 1,
    no: 0,
    ts: NOW,
    position: 1,
    members: [
      { user: "ann", first: 1, mark: 1, markNo: 0, settings: { muted: {}, at: 1 } },
      { user: "bob", first: 1, mark: 1, markNo: 0 },
    ],
    idsFrom: 0,
    ids: [],
  });
  assert.deepEqual(facts.members.get("ann"), {
    first: 1,
    mark: 1,
    markNo: 0,
    settings: { muted: {}, at: 1 },
  });
  assert.deepEqual(facts.members.get("bob"), { first: 1, mark: 1, markNo: 0 });
});

test("the list of a user whose settings were dropped from memory is read again", async () => {
  const undone = new Undone(400);
  const reign = new Reign();
  const { records } = reign.batch(mute("1"));
  undone.add(2, emptyUnit(2), records);
  const redo = undone.redo({
    ask: async () => assert.fail("its conversation is not asked for"),
    watermark: () => 0,
  });
  const unit = await redo?.(new AbortController().signal);
  assert.deepEqual([unit?.isLost, [...(unit?.unsure ?? [])]], [false, ["ann"]]);
});
