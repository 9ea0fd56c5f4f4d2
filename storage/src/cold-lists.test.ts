import assert from "node:assert/strict";
import { test } from "node:test";
import type { HeadEntry, ListReply } from "@jichat/protocol/bus/query.ts";
import type { LogRecord } from "@jichat/protocol/log/record.ts";
import { answerHeads, answerList } from "./cold-lists.ts";
import { ColdRows } from "./cold-rows.ts";
import type { Store } from "./store.ts";
import { Tail } from "./tail.ts";

const NATS_BYTES_MAX = 1_048_576;
const CONVERSATIONS = 600;
const LEFT = 7;

/** ClickHouse holds nothing yet: all of it is in the tail. */
const cold = new ColdRows({ query: async () => [] } as unknown as Store);
const ids = Array.from({ length: CONVERSATIONS }, (_, index) => `d_${index}`).sort();
const staying = ids.filter((_, index) => index !== LEFT);

/** 600 conversations, each with a body of 8 KB at its end; ann has left one. */
function fullTail(): Tail {
  const tail = new Tail(0, 0, 0);
  let position = 0;
  const add = (conversation: string, seq: number, what: object): void => {
    position += 1;
    const origin = { from: "ann", ts: position, device: "d", session: "s" };
    const record = { r: "event", conversation, seq, no: seq - 1, ...origin, ...what } as unknown as LogRecord;
    tail.add({
      position,
      batch: { v: 1, owner: "o", number: 1, done: 0, ts: 1, records: [record] } as never,
    });
  };
  for (const id of ids.toReversed()) {
    add(id, 1, { kind: "created", users: ["ann", "bob"] });
    add(id, 2, { kind: "message", id: "m", body: JSON.stringify({ text: "水".repeat(2_700) }) });
  }
  add(ids[LEFT] ?? "", 3, { kind: "left", users: ["ann"] });
  return tail;
}
const tail = fullTail();

const bytesOf = (reply: object): number => Buffer.byteLength(JSON.stringify({ v: 1, reply }));

async function wholeList(brief?: true): Promise<ListReply[]> {
  const replies: ListReply[] = [];
  let after: string | undefined;
  do {
    const reply = await answerList(cold, tail, { user: "ann", after, ...(brief && { brief }) });
    assert.ok(bytesOf(reply) < NATS_BYTES_MAX);
    replies.push(reply);
    after = reply.next;
  } while (after !== undefined);
  return replies;
}

test("a list that exceeds one message comes in several answers, with each conversation once", async () => {
  const replies = await wholeList();
  assert.ok(replies.length > (CONVERSATIONS * 8_000) / NATS_BYTES_MAX);
  assert.deepEqual(
    replies.flatMap(({ entries }) => entries.map(({ conversation }) => conversation)),
    ids,
  );
  assert.deepEqual(
    replies.flatMap(({ heads }) => heads.map(({ conversation }) => conversation)),
    staying,
  );
});

test("a brief list comes in one answer, with the same entries and the positions of its heads", async () => {
  const whole = await wholeList();
  const brief = await wholeList(true);
  assert.equal(brief.length, 1);
  assert.deepEqual(
    brief[0]?.entries,
    whole.flatMap(({ entries }) => entries),
  );
  assert.deepEqual(
    brief[0]?.heads,
    whole.flatMap(({ heads }) =>
      heads.map(({ conversation, position, ts }) => ({ conversation, position, ts })),
    ),
  );
});

test("an answer holds the whole heads that it has room for, of the asker's conversations, and names the rest", async () => {
  const told: HeadEntry[] = [];
  let asked: readonly string[] = [...ids, "g_never_written_to"];
  while (asked.length > 0) {
    const reply = await answerHeads(cold, tail, { user: "ann", conversations: asked });
    assert.ok(bytesOf(reply) < NATS_BYTES_MAX);
    assert.ok(reply.heads.length > 0);
    told.push(...reply.heads);
    asked = reply.rest ?? [];
  }
  assert.deepEqual(
    told,
    (await wholeList()).flatMap(({ heads }) => heads),
  );
  assert.deepEqual(await answerHeads(cold, tail, { user: "eve", conversations: ids }), { heads: [] });
});
