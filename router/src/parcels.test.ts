import assert from "node:assert/strict";
import { test } from "node:test";
import { NOTICES_LEVEL, encodeDelivery, encodeRound } from "@jichat/protocol/bus/delivery.ts";
import { receiptOf } from "@jichat/protocol/bus/notice.ts";
import type { OutgoingEvent, Parcel } from "./parcels.ts";
import { parcelsOf } from "./parcels.ts";

const NATS_BYTES_MAX = 1_048_576;

const eventAt = (position: number, seq: number, users: readonly string[], text: string): OutgoingEvent => ({
  conversation: "c",
  seq,
  frame: JSON.stringify({ t: "event", seq, body: { text } }),
  ts: 1,
  position,
  users,
});

test("a unit is cut between positions, in order, into parcels that fit into a NATS message", () => {
  const users = Array.from({ length: 100 }, (_, index) => `user-${index}`);
  const events = Array.from({ length: 4_000 }, (_, index) =>
    eventAt(1 + Math.floor(index / 10), index + 1, users, "水".repeat(100)),
  );
  const notices = [receiptOf({ conversation: "c", user: "u", seq: 1 })];
  const parcels = parcelsOf(500, { events, notices, gaps: [] });
  assert.ok(parcels.length > 1);
  assert.deepEqual(
    parcels.flatMap((parcel) => parcel.events.map(({ seq }) => seq)),
    events.map(({ seq }) => seq),
  );
  let last = 0;
  for (const parcel of parcels) {
    for (const { position } of parcel.events) assert.ok(position > last && position <= parcel.position);
    last = parcel.position;
    assert.ok(fitsNats(parcel));
  }
  assert.equal(last, 500);
  assert.deepEqual(
    parcels.map((parcel) => parcel.notices.length),
    parcels.map((_, index) => (index === parcels.length - 1 ? 1 : 0)),
  );
});

test("a batch that does not fit behind the one before it begins a new parcel", () => {
  const batch = (position: number): OutgoingEvent[] =>
    Array.from({ length: 15 }, (_, index) =>
      eventAt(position, 100 * position + index, ["u"], "水".repeat(8_000)),
    );
  const parcels = parcelsOf(3, { events: [...batch(1), ...batch(2), ...batch(3)], notices: [], gaps: [] });
  assert.deepEqual(
    parcels.map((parcel) => parcel.position),
    [1, 2, 3],
  );
});

test("the events of one position stay in one parcel, and an empty unit makes a parcel with its position", () => {
  const big = Array.from({ length: 100 }, (_, index) => eventAt(7, index + 1, ["u"], "x".repeat(8_000)));
  assert.equal(parcelsOf(7, { events: big, notices: [], gaps: [] }).length, 1);
  assert.deepEqual(parcelsOf(9, { events: [], notices: [], gaps: [] }), [
    { position: 9, events: [], notices: [], gaps: [], isRest: undefined },
  ]);
});

const crowd = (group: number): string[] =>
  Array.from({ length: 1_000 }, (_, index) => `${group}-${index}`.padEnd(64, "u"));
const fitsNats = (parcel: Parcel): boolean =>
  [0, NOTICES_LEVEL].every(
    (level) => encodeRound([encodeDelivery({ partition: 0, ...parcel }, level)]).length < NATS_BYTES_MAX,
  );

test("a position that exceeds a parcel sends its first events, and gaps stand for the others", () => {
  // As it is told anew by who took over: a list of its own for each event.
  const events = Array.from({ length: 60 }, (_, index) => ({
    ...eventAt(7, index + 1, crowd(1), "hi"),
    conversation: `c${index % 30}`,
  }));
  const [first, ...rest] = parcelsOf(7, { events, notices: [], gaps: [] });
  assert.ok(first !== undefined && first.events.length > 10 && first.isRest === undefined);
  assert.deepEqual(
    first.events.map(({ seq }) => seq),
    first.events.map((_, index) => index + 1),
  );
  assert.ok([first, ...rest].every(fitsNats));
  assert.ok(
    rest.every(
      ({ position, isRest, events: none }) => position === 7 && isRest === true && none.length === 0,
    ),
  );
  const pulled = new Map([first, ...rest].flatMap(({ gaps }) => gaps.map((gap) => [gap.conversation, gap])));
  for (const { conversation, seq } of events.slice(first.events.length)) {
    const gap = pulled.get(conversation);
    assert.ok(gap !== undefined && (gap.head ?? 0) >= seq && gap.users.length === 1_000, conversation);
  }
});

test("all notices and gaps travel, in parcels that fit into a NATS message", () => {
  const gaps = Array.from({ length: 100 }, (_, group) => ({
    conversation: `c${group}`,
    head: 9,
    users: crowd(group),
  }));
  gaps.push({
    conversation: "huge",
    head: 9,
    users: Array.from({ length: 20 }, (_, group) => crowd(group)).flat(),
  });
  const notices = Array.from({ length: 10_000 }, (_, index) =>
    receiptOf({
      conversation: "c".repeat(64),
      user: "u".repeat(64),
      seq: index,
      origin: "s".repeat(32),
    }),
  );
  const parcels = parcelsOf(7, { events: [eventAt(7, 1, ["u"], "hi")], notices, gaps });
  assert.ok(parcels.every(fitsNats));
  assert.deepEqual(
    parcels.flatMap((parcel) => parcel.notices),
    notices,
  );
  assert.deepEqual(
    parcels.flatMap((parcel) => parcel.gaps).flatMap(({ users }) => users),
    gaps.flatMap(({ users }) => users),
  );
  assert.deepEqual(
    parcels.map(({ isRest }) => isRest),
    parcels.map((_, index) => (index === 0 ? undefined : true)),
  );
});
