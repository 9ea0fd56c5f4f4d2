import assert from "node:assert/strict";
import { test } from "node:test";
import type { Delivery } from "./delivery.ts";
import { decodeRound, encodeDelivery, encodeRound } from "./delivery.ts";

const pair = ["ann", "bob"];
const deliveries: Delivery[] = [
  {
    partition: 3,
    position: 9,
    events: [
      {
        frame: '{"t":"event","body":{"text":"one\\n"}}',
        ts: 1,
        position: 8,
        users: pair,
        origin: "s1",
        trace: "t1",
      },
      { frame: '{"t":"event","body":{"text":"水 🙂"}}', ts: 2, position: 9, users: pair, trace: "t2" },
      { frame: '{"t":"event"}', ts: 3, position: 9, users: ["cem"], origin: "s2" },
      { frame: '{"t":"event","seq":4}', ts: 4, position: 9, users: pair },
    ],
    marks: [{ conversation: "c", user: "ann", seq: 7, origin: "s1" }],
    gaps: [{ conversation: "d", users: ["bob"], head: 5 }],
  },
  { partition: 4, position: 2, events: [], marks: [], gaps: [] },
  {
    partition: 5,
    position: 1,
    events: [{ frame: '{"t":"event","last":1}', ts: 5, position: 1, users: ["dov"] }],
    marks: [],
    gaps: [],
  },
];
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

test("a round is read as it was written, and who shares an event shares it after the way too", () => {
  const round = encodeRound(deliveries.map(encodeDelivery));
  assert.equal(round.split('"ann","bob"').length - 1, 1, "an audience travels once");
  const read = decodeRound(bytesOf(round));
  assert.deepEqual(JSON.parse(JSON.stringify(read)), JSON.parse(JSON.stringify(deliveries)));
  assert.equal(read[0]?.events[0]?.users, read[0]?.events[3]?.users);
});

test("halves of surrogate pairs, as an earlier version took them, arrive as U+FFFD", () => {
  const frames = [
    JSON.stringify({ t: "event", kind: "created", name: "cut \ud83d", users: ["\ude00"] }),
    `{"t":"event","id":${JSON.stringify("\ude00\ud83d")},"body":${JSON.stringify({ "\ud83d": "🙂 \ud83d" })}}`,
    '{"t":"event","body":{"text":"next"}}',
  ];
  const events = frames.map((frame, at) => ({ frame, ts: 1, position: at, users: pair }));
  const marks = [{ conversation: "c \ud83d", user: "ann", seq: 7 }];
  const round = bytesOf(
    encodeRound([encodeDelivery({ partition: 1, position: 3, events, marks, gaps: [] })]),
  );
  const read = decodeRound(round);
  assert.deepEqual(
    read[0]?.events.map(({ frame }): unknown => JSON.parse(frame)),
    [
      { t: "event", kind: "created", name: "cut \ufffd", users: ["\ufffd"] },
      { t: "event", id: "\ufffd\ufffd", body: { "\ufffd": "🙂 \ufffd" } },
      { t: "event", body: { text: "next" } },
    ],
  );
  assert.equal(read[0]?.marks[0]?.conversation, "c \ufffd");
});

test("what is cut short, is of another version or is no round is refused by name", () => {
  const round = encodeRound(deliveries.map(encodeDelivery));
  assert.throws(() => decodeRound(bytesOf(round.slice(0, -1))), /ends within a frame/);
  assert.throws(() => decodeRound(bytesOf(round.replace('"v":1', '"v":2'))), /has version 2/);
  assert.throws(() => decodeRound(bytesOf("rubbish\n")), /not readable/);
  assert.throws(() => decodeRound(Uint8Array.of(0xff, 0xfe)), /not readable/);
});
