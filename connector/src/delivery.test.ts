import assert from "node:assert/strict";
import { test } from "node:test";
import type { Delivery } from "@jichat/protocol/bus/delivery.ts";
import { receiptOf } from "@jichat/protocol/bus/notice.ts";
import { Deliveries } from "./delivery.ts";
import type { Reader } from "./reader.ts";

class Listener implements Reader {
  readonly id: string;
  readonly echo: boolean;
  readonly codecName = "json" as const;
  isLive = true;
  missed = false;
  readonly times: number[] = [];
  readonly heard: { t: string; seq?: number; head?: number }[] = [];
  constructor(id: string, echo = false) {
    this.id = id;
    this.echo = echo;
  }
  writeEncoded(bytes: string | Uint8Array): void {
    this.heard.push(JSON.parse(String(bytes)) as { t: string });
  }
  delivered(ts: number): void {
    this.times.push(ts);
  }
  writeNotice(bytes: string | Uint8Array): boolean {
    this.writeEncoded(bytes);
    return true;
  }
}

const NOW = 1_000_000;
const clock = { now: () => NOW };
const event = (seq: number, position: number, origin?: string): Delivery["events"][number] => ({
  frame: JSON.stringify({ t: "event", conversation: "g", seq, no: seq, kind: "message", from: "ann", ts: 1 }),
  ts: 1,
  position,
  users: ["bob"],
  origin,
});
const delivery = (position: number, events: Delivery["events"], more: Partial<Delivery> = {}): Delivery => ({
  partition: 0,
  position,
  events,
  notices: [],
  gaps: [],
  ...more,
});

test("a repeated or late delivery changes nothing, and one that overlaps brings only its new events", () => {
  const bob = new Listener("s1");
  const deliveries = new Deliveries({ of: () => [bob] }, clock);
  deliveries.deliver(delivery(5, [event(1, 5)]));
  deliveries.deliver(delivery(5, [event(1, 5)]));
  deliveries.deliver(delivery(4, [event(9, 4)]));
  deliveries.deliver(delivery(7, [event(1, 5), event(2, 6), event(3, 7)]));
  assert.deepEqual(
    bob.heard.map(({ seq }) => seq),
    [1, 2, 3],
  );
  deliveries.deliver({ ...delivery(1, [event(4, 1)]), partition: 1 });
  assert.equal(bob.heard.length, 4, "another partition counts for itself");
});

test("the rest of a delivery is accepted after it, and does not move the position back", () => {
  const bob = new Listener("s1");
  const deliveries = new Deliveries({ of: () => [bob] }, clock);
  const gaps = [{ conversation: "h", users: ["bob"], head: 3 }];
  deliveries.deliver(delivery(5, [event(1, 5)]));
  deliveries.deliver(delivery(5, [], { gaps, isRest: true }));
  deliveries.deliver(delivery(4, [], { gaps, isRest: true }));
  deliveries.deliver(delivery(5, [event(1, 5)]));
  deliveries.deliver(delivery(6, [], { gaps }));
  deliveries.deliver(delivery(6, [], { gaps }));
  assert.deepEqual(
    bob.heard.map(({ t }) => t),
    ["event", "gap", "gap", "gap"],
  );
});

test("an event does not go to the session that sent it unless that session asked for its echo", () => {
  const [origin, echoing, other] = [new Listener("s1"), new Listener("s2", true), new Listener("s3")];
  const deliveries = new Deliveries({ of: () => [origin, echoing, other] }, clock);
  deliveries.deliver(delivery(1, [event(1, 1, "s1")]));
  deliveries.deliver(delivery(2, [event(2, 2, "s2")]));
  assert.deepEqual(
    [origin, echoing, other].map(({ heard }) => heard.map(({ seq }) => seq)),
    [[2], [1, 2], [1, 2]],
  );
});

test("a session without its welcome is marked and gets no frame, and a live one gets gaps and receipts", () => {
  const [greeting, live] = [new Listener("s1"), new Listener("s2")];
  greeting.isLive = false;
  const deliveries = new Deliveries({ of: () => [greeting, live] }, clock);
  deliveries.deliver(
    delivery(1, [], {
      gaps: [{ conversation: "g", users: ["bob"], head: 7 }],
      notices: [receiptOf({ conversation: "g", user: "bob", seq: 3, origin: "s3" })],
    }),
  );
  assert.deepEqual([greeting.missed, greeting.heard.length], [true, 0]);
  assert.deepEqual(live.heard, [
    { t: "receipt", conversation: "g", user: "bob", seq: 3 },
    { t: "gap", conversation: "g", head: 7 },
  ]);
});

test("notices follow their own order, at any position of their delivery", () => {
  const bob = new Listener("s1");
  const deliveries = new Deliveries({ of: () => [bob] }, clock);
  const read = (position: number, seq: number, more: Partial<Delivery> = {}): number =>
    deliveries.deliver(
      delivery(position, [], { notices: [receiptOf({ conversation: "g", user: "bob", seq })], ...more }),
    ).written;
  assert.equal(read(5, 3), 1);
  assert.equal(read(5, 3), 0, "again");
  assert.equal(read(4, 2, { isRest: true }), 0, "late");
  assert.equal(read(4, 4), 1, "late, but nobody has told it before");
  assert.equal(read(6, 5), 1);
  assert.deepEqual(
    bob.heard.map(({ seq }) => seq),
    [3, 4, 5],
  );
});

test("a reader is told the time of each event that was written to it, and of a gap an earlier one", () => {
  const [bob, origin, greeting] = [new Listener("s1"), new Listener("s2"), new Listener("s3")];
  greeting.isLive = false;
  const deliveries = new Deliveries({ of: () => [bob, origin, greeting] }, clock);
  const gaps = [{ conversation: "g", users: ["bob"], head: 9 }];
  deliveries.deliver(delivery(1, [{ ...event(1, 1, "s2"), ts: 7 }], { gaps }));
  deliveries.deliver(delivery(1, [event(1, 1)]));
  assert.deepEqual([bob.times, origin.times, greeting.times], [[7, NOW - 60_000], [NOW - 60_000], []]);
});
