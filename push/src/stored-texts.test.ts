import assert from "node:assert/strict";
import { test } from "node:test";
import type { FactsQuery, FactsReply, Query } from "@jichat/protocol/bus/query.ts";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import type { Told } from "./ports.ts";
import { TextsOfStorage } from "./stored-texts.ts";

type Event = FactsReply["events"][number];

const messageOf = (conversation: string, seq: number): Told => ({
  is: "message",
  conversation,
  seq,
  no: seq,
  from: "bob",
  ts: 0,
  preview: "first",
  members: 2,
});
const eventOf = (conversation: string, seq: number, more: Partial<Event>): Event => ({
  conversation,
  seq,
  no: seq,
  kind: "message",
  from: "bob",
  ts: 0,
  ...more,
});

/** Texts over a storage that answers with `events`, or fails with the error that stands for them. */
function textsOver(events: readonly Event[] | Error) {
  const clock = new HandClock();
  const asked: FactsQuery[] = [];
  const lines: string[] = [];
  const answers = { events };
  let end = 40;
  const texts = new TextsOfStorage({
    storage: {
      ask: async <R>(query: Query): Promise<R> => {
        assert.ok(query.q === "facts");
        asked.push(query);
        if (answers.events instanceof Error) throw answers.events;
        return { conversations: [], ids: [], events: answers.events } as R;
      },
    },
    endOf: async () => (end += 1),
    partitions: 1,
    clock,
    log: { warn: (_of, line) => void lines.push(line), error: () => undefined },
  });
  return { texts, clock, asked, lines, answers };
}

test("messages are asked about together, each once, as of the end of the log", async () => {
  const { texts, asked } = textsOver([
    eventOf("a", 1, { text: "mended" }),
    eventOf("a", 2, { recalled: true, text: "" }),
    eventOf("b", 1, { text: "" }),
    eventOf("c", 1, {}),
  ]);
  const wanted = [
    messageOf("a", 1),
    messageOf("a", 2),
    messageOf("b", 1),
    messageOf("c", 1),
    messageOf("d", 1),
  ];
  const said = await Promise.all([...wanted, messageOf("a", 1)].map(async (one) => texts.of(one)));
  assert.deepEqual(said, [
    { is: "said", text: "mended" },
    { is: "recalled" },
    { is: "said", text: "" },
    { is: "said", text: "first" },
    { is: "unknown" },
    { is: "said", text: "mended" },
  ]);
  assert.deepEqual(asked, [
    {
      v: 1,
      q: "facts",
      partition: 0,
      position: 41,
      conversations: [],
      ids: [],
      events: wanted.map(({ conversation, seq }) => ({ conversation, seq })),
      hasTexts: true,
    },
  ]);
});

test("what was said is asked again a second later, at the end that the log has then", async () => {
  const { texts, clock, asked, answers } = textsOver([eventOf("a", 1, { text: "first" })]);
  await texts.of(messageOf("a", 1));
  clock.at = 999;
  answers.events = [eventOf("a", 1, { recalled: true })];
  assert.equal((await texts.of(messageOf("a", 1))).is, "said");
  clock.at = 1_000;
  assert.equal((await texts.of(messageOf("a", 1))).is, "recalled");
  assert.deepEqual(
    asked.map(({ position }) => position),
    [41, 42],
  );
});

test("a question has at most a hundred messages", async () => {
  const { texts, asked } = textsOver([]);
  await Promise.all(Array.from({ length: 101 }, async (_, seq) => texts.of(messageOf("a", seq))));
  assert.deepEqual(
    asked.map(({ events }) => events.length),
    [100, 1],
  );
});

test("a storage that does not answer is asked again ten seconds later, and until then nothing is known", async () => {
  const { texts, clock, asked, lines, answers } = textsOver(new Error("nobody serves it"));
  const said = await Promise.all([1, 2, 3].map(async (seq) => texts.of(messageOf("a", seq))));
  assert.ok(said.every(({ is }) => is === "unknown"));
  answers.events = [eventOf("a", 1, { text: "first" })];
  clock.at = 9_999;
  assert.equal((await texts.of(messageOf("a", 1))).is, "unknown");
  assert.deepEqual([asked.length, lines.length], [1, 1]);
  clock.at = 10_000;
  assert.equal((await texts.of(messageOf("a", 1))).is, "said");
});
