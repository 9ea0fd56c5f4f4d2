import assert from "node:assert/strict";
import { test } from "node:test";
import { EVERYBODY, NO_CANDIDATES } from "@jichat/presence/candidates.ts";
import { PREVIEW_CHARS_MAX } from "@jichat/protocol/bus/push.ts";
import type { BodyText } from "@jichat/protocol/frame/body.ts";
import type { LogRecord } from "@jichat/protocol/log/record.ts";
import { addEffect } from "./add-effect.ts";
import { lose, merge } from "./backlog.ts";
import type { EffectUnit } from "./effect-unit.ts";
import { emptyUnit, takeUnpushed } from "./effect-unit.ts";
import { PartitionState } from "./partition-state.ts";
import { pushEntriesOf } from "./push-entries.ts";

const bodyText = (body: object): BodyText => JSON.stringify(body) as BodyText;
const by = { device: "d", session: "s" };
const event = { r: "event", conversation: "g_1", ts: 1_000, ...by } as const;

/** A group of ann, bob and cem, and what its records cause after that. */
function unitOf(...records: readonly LogRecord[]): EffectUnit {
  const state = new PartitionState();
  const users = ["ann", "bob", "cem"];
  state.replay({ ...event, seq: 1, no: 0, kind: "created", from: "ann", users, name: "Tea" }, 1);
  const unit = emptyUnit(1 + records.length);
  for (const [index, record] of records.entries()) {
    const conversation = state.replay(record, index + 2);
    assert.ok(conversation !== undefined);
    addEffect(unit, conversation, record, index + 2);
  }
  return unit;
}

const said = (seq: number, more: object = {}): LogRecord => ({
  ...event,
  seq,
  no: seq - 1,
  kind: "message",
  from: "ann",
  id: `m${seq}`,
  body: bodyText({ text: "hello" }),
  ...more,
});
const read = (user: string, seq: number): LogRecord => ({
  r: "mark",
  conversation: "g_1",
  user,
  seq,
  no: seq - 1,
  session: "s",
});

test("a message is one entry for all candidates but its author", () => {
  const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const unit = unitOf(said(2, { mentions: ["cem", "dov", "ann"], trace }));
  const [entry, ...more] = pushEntriesOf(unit, EVERYBODY);
  assert.deepEqual(entry, {
    is: "message",
    conversation: "g_1",
    seq: 2,
    no: 1,
    from: "ann",
    ts: 1_000,
    mentions: ["cem"],
    preview: "hello",
    name: "Tea",
    members: 3,
    trace,
    to: ["bob", "cem"],
  });
  assert.deepEqual(more, [{ is: "read", conversation: "g_1", user: "ann", seq: 2, no: 1 }]);
});

test("only candidates are named, and without one there is no entry", () => {
  const unit = unitOf(said(2, { mentions: ["cem"] }), said(3));
  const told = (candidates: ReadonlySet<string>) => pushEntriesOf(unit, candidates);
  assert.deepEqual(
    told(new Set(["bob"])),
    [
      { ...pushEntriesOf(unit, EVERYBODY)[0], to: ["bob"], mentions: undefined },
      { ...pushEntriesOf(unit, EVERYBODY)[1], to: ["bob"] },
    ].map((entry) => JSON.parse(JSON.stringify(entry)) as unknown),
  );
  assert.deepEqual(
    told(new Set(["ann"])).map(({ is }) => is),
    ["read"],
    "the author has read it",
  );
  assert.deepEqual(told(new Set(["zoe"])), []);
  assert.deepEqual(pushEntriesOf(unit, NO_CANDIDATES), []);
});

test("an event that is no message has no entry, nor has the entry of a list that is only written again", () => {
  const renamed = { ...event, seq: 2, no: 0, kind: "renamed", from: "ann", name: "Coffee" } as const;
  const joined = { ...event, seq: 3, no: 0, kind: "joined", from: "ann", users: ["dov"] } as const;
  assert.deepEqual(pushEntriesOf(unitOf(renamed, joined), EVERYBODY), []);
});

test("of several marks of a user the latest is told, also if the list is written again behind it", () => {
  const unit = unitOf(said(2), said(3), read("bob", 2), read("bob", 3));
  const known = [...unit.entries.values()].find(({ user }) => user === "bob");
  assert.ok(known !== undefined);
  const again = emptyUnit(9);
  again.entries.set("bob g_1", { ...known, isRead: false });
  assert.equal(merge(unit, again, Infinity), false);
  const reads = pushEntriesOf(unit, EVERYBODY).filter(({ is }) => is === "read");
  assert.deepEqual(reads, [
    { is: "read", conversation: "g_1", user: "ann", seq: 3, no: 2 },
    { is: "read", conversation: "g_1", user: "bob", seq: 3, no: 2 },
  ]);
});

test("a preview ends at its bound, and not within a character", () => {
  const previewOf = (text: unknown): string | undefined => {
    const [entry] = pushEntriesOf(unitOf(said(2, { body: bodyText({ text }) })), EVERYBODY);
    return entry?.is === "message" ? entry.preview : undefined;
  };
  const full = "x".repeat(PREVIEW_CHARS_MAX);
  assert.equal(previewOf(full), full);
  assert.equal(previewOf(`${full}y`), full);
  const odd = "x".repeat(PREVIEW_CHARS_MAX - 1);
  assert.equal(previewOf(`${odd}🙂`), odd);
  for (const none of ["", 7, { of: "text" }, null]) assert.equal(previewOf(none), undefined);
});

test("messages whose events are dropped are counted, once", () => {
  const renamed = { ...event, seq: 2, no: 0, kind: "renamed", from: "ann", name: "Coffee" } as const;
  const unit = unitOf(said(2));
  assert.equal(merge(unit, unitOf(renamed), Infinity), false);
  assert.equal(takeUnpushed(unit), 0);
  assert.equal(merge(unit, unitOf(said(2), said(3)), 500), true);
  assert.equal(takeUnpushed(unit), 3, "and nothing else that was dropped");
  assert.equal(takeUnpushed(unit), 0);
  lose(unit);
  assert.equal(merge(unit, unitOf(said(2)), Infinity), true);
  assert.equal(takeUnpushed(unit), 1, "also those that come when all is lost");
});
