import assert from "node:assert/strict";
import { test } from "node:test";
import type { FactsReply } from "@jichat/protocol/bus/query.ts";
import { firstIdOf } from "@jichat/protocol/ids.ts";
import type { LogRecord } from "@jichat/protocol/log/record.ts";
import { ColdRows } from "./cold-rows.ts";
import { answerFacts } from "./cold-state.ts";
import type { Store } from "./store.ts";
import { Tail } from "./tail.ts";

const NATS_BYTES_MAX = 1_048_576;
const GROUPS = 40;

/** ClickHouse holds nothing yet: all of it is in the tail. */
const store = { query: async () => [] } as unknown as Store;
const cold = new ColdRows(store);

class Log {
  readonly tail = new Tail(0, 0, 0);
  #position = 0;

  add(conversation: string, seq: number, what: object): void {
    this.#position += 1;
    const origin = { from: "ann", ts: 1, device: "d", session: "s" };
    const record = { r: "event", conversation, seq, no: seq - 1, ...origin, ...what } as unknown as LogRecord;
    const batch = { v: 1, owner: "o", number: 1, done: 0, ts: 1, records: [record] } as never;
    this.tail.add({ position: this.#position, batch });
  }
}

const bytesOf = (reply: FactsReply): number => Buffer.byteLength(JSON.stringify({ v: 1, reply }));

test("facts that exceed one message come in several answers, and each one names what it left out", async () => {
  const log = new Log();
  const groups = Array.from({ length: GROUPS }, (_, index) => `g_${index}`);
  const users = Array.from({ length: 999 }, (_, index) => `${index}`.padEnd(64, "u"));
  for (const group of groups) log.add(group, 1, { kind: "created", name: group, users: ["ann", ...users] });
  const told: string[] = [];
  let asked = [...groups, "g_never_written_to"];
  while (asked.length > 0) {
    const question = { v: 1, q: "facts", partition: 0, position: 0, ids: [], events: [] } as const;
    const reply = await answerFacts(store, cold, log.tail, { ...question, conversations: asked });
    assert.ok(bytesOf(reply) < NATS_BYTES_MAX);
    const { conversations, rest = [] } = reply;
    assert.ok(conversations.every(({ members }) => members.length === 1_000));
    told.push(...conversations.map(({ conversation }) => conversation));
    assert.ok(rest.length < asked.length && !rest.includes("g_never_written_to"));
    asked = [...rest];
  }
  assert.deepEqual(told, groups);
});

test("20,000 members of one group come in pages that each fit into one message", async () => {
  const log = new Log();
  const size = 20_000;
  const users = Array.from({ length: size }, (_, index) => `${index}`.padStart(5, "0").padEnd(64, "u"));
  log.add("g_1", 1, { kind: "created", name: "all", users: users.slice(0, 1_000) });
  for (let at = 1_000; at < size; at += 1_000)
    log.add("g_1", at / 1_000 + 1, { kind: "joined", users: users.slice(at, at + 1_000) });
  const question = { v: 1, q: "facts", partition: 0, position: 0, ids: [], events: [] } as const;
  const first = await answerFacts(store, cold, log.tail, {
    ...question,
    conversations: ["g_1"],
    isPaged: true,
  });
  assert.ok(bytesOf(first) < NATS_BYTES_MAX);
  const [facts] = first.conversations;
  const told = facts?.members.map(({ user }) => user) ?? [];
  for (let after = facts?.membersNext; after !== undefined;) {
    const members = [{ conversation: "g_1", after }];
    const reply = await answerFacts(store, cold, log.tail, { ...question, conversations: [], members });
    assert.ok(bytesOf(reply) < NATS_BYTES_MAX);
    const [page] = reply.members ?? [];
    assert.equal(page?.head, facts?.head);
    told.push(...(page?.members.map(({ user }) => user) ?? []));
    after = page?.membersNext;
  }
  assert.deepEqual(told, users);
  // An owner of level 0 does not know of pages, and is told all of them.
  const whole = await answerFacts(store, cold, log.tail, { ...question, conversations: ["g_1"] });
  assert.equal(whole.conversations[0]?.members.length, size);
});

test("recent ids of a conversation that exceed one answer are left out, and each id is then asked for", async () => {
  for (const [count, told] of [
    [2_048, 2_048],
    [2_049, 0],
    [9_000, 0],
  ] as const) {
    const log = new Log();
    const from = "a".repeat(64);
    log.add("g_1", 1, { kind: "created", users: [from] });
    for (let seq = 2; seq <= count + 1; seq += 1) {
      const tail = `7000-8000-${seq.toString(16).padStart(12, "0")}`;
      log.add("g_1", seq, {
        kind: "message",
        from,
        id: `${firstIdOf(Date.now() + 1_000)}-${tail}`,
        body: "{}",
      });
    }
    const question = { v: 1, q: "facts", partition: 0, position: 0, ids: [], events: [] } as const;
    const reply = await answerFacts(store, new ColdRows(store), log.tail, {
      ...question,
      conversations: ["g_1"],
    });
    assert.ok(bytesOf(reply) < NATS_BYTES_MAX);
    const [facts] = reply.conversations;
    assert.equal(facts?.ids.length, told);
    assert.equal((facts?.idsFrom ?? 0) === Number.MAX_SAFE_INTEGER, told === 0);
  }
});

test("events come with their texts if these are asked for: as they were edited last, and none if recalled", async () => {
  const log = new Log();
  log.add("g_1", 1, { kind: "created", name: "all", users: ["ann"] });
  const long = `${"x".repeat(199)}\u{1F600}`;
  for (const [seq, body] of [
    [2, { text: "first" }],
    [3, { text: "secret" }],
    [4, { text: long }],
    [5, { file: 1 }],
  ] as const)
    log.add("g_1", seq, { kind: "message", body: JSON.stringify(body) });
  log.add("g_1", 6, { kind: "edited", target: 2, body: JSON.stringify({ text: "mended" }) });
  log.add("g_1", 7, { kind: "recalled", target: 3 });
  const events = [2, 3, 4, 5, 9].map((seq) => ({ conversation: "g_1", seq }));
  const question = { v: 1, q: "facts", partition: 0, position: 0, ids: [], conversations: [] } as const;
  const told = await answerFacts(store, cold, log.tail, { ...question, events, hasTexts: true });
  assert.deepEqual(
    told.events.map(({ seq, text, recalled = false }) => [seq, text, recalled]),
    [
      [2, "mended", false],
      [3, "", true],
      [4, "x".repeat(199), false],
      [5, "", false],
    ],
  );
  const without = await answerFacts(store, cold, log.tail, { ...question, events });
  assert.ok(without.events.every((event) => !("text" in event)));
});
