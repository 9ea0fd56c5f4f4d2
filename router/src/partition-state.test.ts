import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConversationFacts } from "@jichat/protocol/bus/query.ts";
import type { LogRecord } from "@jichat/protocol/log/record.ts";
import { ABSENT_MAX, PartitionState } from "./partition-state.ts";

const HOT = 50;
const IDS_MAX = 2_000;

const factsOf = (conversation: string): ConversationFacts => ({
  conversation,
  kind: "group",
  name: conversation,
  creator: "ann",
  head: 2,
  no: 1,
  ts: 1,
  position: 1,
  members: [{ user: "ann", first: 1, mark: 1, markNo: 0 }],
  idsFrom: 0,
  ids: [],
});
const created = (conversation: string): LogRecord => ({
  r: "event",
  conversation,
  kind: "created",
  seq: 1,
  no: 0,
  from: "ann",
  device: "phone",
  session: "s",
  users: ["ann"],
  ts: 1,
});

function filled(): PartitionState {
  const state = new PartitionState(IDS_MAX);
  for (let at = 0; at < HOT; at += 1) state.load(`g_${at}`, factsOf(`g_${at}`));
  return state;
}

test("any number of questions for missing conversations evicts nothing, and what they hold is bounded", () => {
  const state = filled();
  for (let at = 0; at < 20 * ABSENT_MAX; at += 1) {
    assert.equal(state.load(`g_nobody${at}`, undefined).head, 0);
    state.shed(1, 1);
  }
  assert.equal(state.size, HOT);
  for (let at = 0; at < HOT; at += 1) assert.equal(state.get(`g_${at}`)?.head, 2);
  assert.equal(state.get("g_nobody0"), undefined, "storage is asked again");
  const kept = Array.from({ length: 20 * ABSENT_MAX }, (_, at) => state.get(`g_nobody${at}`));
  assert.equal(kept.filter((one) => one !== undefined).length, ABSENT_MAX);
});

test("a missing conversation becomes hot when it is written to, and other missing ones do not evict it", () => {
  const state = filled();
  const conversation = state.load("g_new", undefined);
  assert.equal(state.size, HOT);
  state.apply(conversation, created("g_new"), 7);
  assert.equal(state.size, HOT + 1);
  for (let at = 0; at < 2 * ABSENT_MAX; at += 1) state.load(`g_nobody${at}`, undefined);
  assert.equal(state.get("g_new")?.head, 1);
  assert.deepEqual([...(state.get("g_new")?.members.keys() ?? [])], ["ann"]);
});

test("too many hot conversations are evicted, the least recently used first", () => {
  const state = new PartitionState(IDS_MAX);
  for (let at = 0; at < IDS_MAX; at += 1) {
    state.load(`g_${at}`, factsOf(`g_${at}`));
    state.shed(1, 1);
  }
  assert.ok(state.size < IDS_MAX / 10);
  assert.equal(state.get("g_0"), undefined);
  assert.equal(state.get(`g_${IDS_MAX - 1}`)?.head, 2);
});
