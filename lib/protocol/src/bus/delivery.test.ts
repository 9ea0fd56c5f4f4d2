import assert from "node:assert/strict";
import { test } from "node:test";
import type { Delivery } from "./delivery.ts";
import { NOTICES_LEVEL, decodeRound, encodeDelivery, encodeRound } from "./delivery.ts";
import type { Notice } from "./notice.ts";
import { receiptOf } from "./notice.ts";

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
    notices: [receiptOf({ conversation: "c", user: "ann", seq: 7, origin: "s1" })],
    gaps: [{ conversation: "d", users: ["bob"], head: 5 }],
  },
  { partition: 4, position: 2, events: [], notices: [], gaps: [] },
  {
    partition: 5,
    position: 1,
    events: [{ frame: '{"t":"event","last":1}', ts: 5, position: 1, users: ["dov"] }],
    notices: [],
    gaps: [],
  },
];
const LEVELS = [0, NOTICES_LEVEL];
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const roundOf = (told: readonly Delivery[], level: number): string =>
  new TextDecoder().decode(encodeRound(told.map((delivery) => encodeDelivery(delivery, level))));
/** What JSON says of it: absent and undefined are one. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

for (const level of LEVELS)
  test(`a round is read as it was written at level ${level}, and readers that share an event still share it`, () => {
    const round = roundOf(deliveries, level);
    assert.equal(round.split('"ann","bob"').length - 1, 1, "an audience travels once");
    const read = decodeRound(bytesOf(round));
    assert.deepEqual(plain(read), plain(deliveries));
    assert.equal(read[0]?.events[0]?.users, read[0]?.events[3]?.users);
  });

/** As the version before levels writes it. */
const BEFORE = `{"v":1,"deliveries":[{"partition":3,"position":9,"marks":[{"conversation":"c","user":"ann","seq":7,"origin":"s1"},{"conversation":"d","user":"bob","seq":2}],"gaps":[{"conversation":"d","users":["bob"],"head":5}],"audiences":[["ann","bob"]],"events":[[21,9,4,0,"s2"]]},{"partition":4,"position":2,"marks":[],"gaps":[],"isRest":true,"audiences":[],"events":[]}]}
{"t":"event","seq":4}`;
const SINCE: Delivery[] = [
  {
    partition: 3,
    position: 9,
    events: [{ frame: '{"t":"event","seq":4}', ts: 4, position: 9, users: pair, origin: "s2" }],
    notices: [
      receiptOf({ conversation: "c", user: "ann", seq: 7, origin: "s1" }),
      receiptOf({ conversation: "d", user: "bob", seq: 2 }),
    ],
    gaps: [{ conversation: "d", users: ["bob"], head: 5 }],
  },
  { partition: 4, position: 2, events: [], notices: [], gaps: [], isRest: true },
];

test("marks of a router of the previous version are read as receipts, and level 0 writes the same bytes", () => {
  assert.deepEqual(plain(decodeRound(bytesOf(BEFORE))), plain(SINCE));
  const [head = "", frames] = roundOf(SINCE, 0).split("\n");
  const [headBefore = "", framesBefore] = BEFORE.split("\n");
  assert.deepEqual(JSON.parse(head), JSON.parse(headBefore));
  assert.equal(frames, framesBefore);
});

const typing: Notice = {
  frame: '{"t":"typing","conversation":"c","user":"水","on":true}',
  users: ["ann"],
  session: "s7",
  key: "typing c ann",
  order: 3,
};

test("level 1 writes notices of any kind after the events and no marks, and level 0 writes receipts alone", () => {
  const [first, ...rest] = deliveries;
  assert.ok(first !== undefined);
  const more = [{ ...first, notices: [typing, ...first.notices] }, ...rest];
  const round = roundOf(more, NOTICES_LEVEL);
  assert.ok(!round.includes('"marks"'));
  assert.deepEqual(plain(decodeRound(bytesOf(round))), plain(more));
  assert.deepEqual(plain(decodeRound(bytesOf(roundOf(more, 0)))), plain(deliveries));
  assert.ok(!roundOf(rest, NOTICES_LEVEL).includes('"notices"'), "where there are none nothing is said");
});

test("half surrogate pairs that an earlier version accepted arrive as U+FFFD", () => {
  const frames = [
    JSON.stringify({ t: "event", kind: "created", name: "cut \ud83d", users: ["\ude00"] }),
    `{"t":"event","id":${JSON.stringify("\ude00\ud83d")},"body":${JSON.stringify({ "\ud83d": "🙂 \ud83d" })}}`,
    '{"t":"event","body":{"text":"next"}}',
  ];
  const events = frames.map((frame, at) => ({ frame, ts: 1, position: at, users: pair }));
  const notices = [receiptOf({ conversation: "c \ud83d", user: "ann", seq: 7 })];
  const delivery = { partition: 1, position: 3, events, notices, gaps: [] };
  const read = decodeRound(bytesOf(roundOf([delivery], NOTICES_LEVEL)));
  assert.deepEqual(
    read[0]?.events.map(({ frame }): unknown => JSON.parse(frame)),
    [
      { t: "event", kind: "created", name: "cut \ufffd", users: ["\ufffd"] },
      { t: "event", id: "\ufffd\ufffd", body: { "\ufffd": "🙂 \ufffd" } },
      { t: "event", body: { text: "next" } },
    ],
  );
  for (const level of LEVELS) {
    const [notice] = decodeRound(bytesOf(roundOf([delivery], level)))[0]?.notices ?? [];
    assert.deepEqual(JSON.parse(notice?.frame ?? ""), {
      t: "receipt",
      conversation: "c \ufffd",
      user: "ann",
      seq: 7,
    });
  }
});

test("bytes that are cut, of another version or not a round are refused with the reason", () => {
  const round = roundOf(deliveries, NOTICES_LEVEL);
  assert.throws(() => decodeRound(bytesOf(round.slice(0, -1))), /ends within a frame/);
  assert.throws(() => decodeRound(bytesOf(round.replace('"v":1', '"v":2'))), /has version 2/);
  assert.throws(() => decodeRound(bytesOf("rubbish\n")), /not readable/);
  assert.throws(() => decodeRound(Uint8Array.of(0xff, 0xfe)), /not readable/);
});
