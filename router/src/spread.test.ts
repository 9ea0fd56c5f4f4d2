import assert from "node:assert/strict";
import { test } from "node:test";
import { receiptOf } from "@jichat/protocol/bus/notice.ts";
import type { EventEffect } from "./effect-unit.ts";
import { emptyUnit, putNotice, usersOf } from "./effect-unit.ts";
import { gapsInPlaceOf } from "./parcels.ts";
import { spread } from "./spread.ts";

const online = new Map([
  ["ann", ["c1"]],
  ["bob", ["c1", "c2"]],
  ["cem", []],
]);
const everybody = ["ann", "bob", "cem", "dov"];

const event = (seq: number, author: string | undefined, recipients: readonly string[]): EventEffect => ({
  conversation: "g",
  seq,
  author,
  name: undefined,
  delivered: { frame: `{"seq":${seq}}`, ts: 1, position: 1 },
  recipients,
});

test("each connector gets the events of its own users, who share one array", () => {
  const unit = emptyUnit(1);
  unit.events.push(event(1, "ann", everybody), event(2, "cem", everybody), event(3, undefined, ["bob"]));
  const outgoing = spread(unit, online);
  const told = [...outgoing].map(([connector, { events }]) => [
    connector,
    events.map(({ seq, users }) => `${seq} ${users.join("+")}`),
  ]);
  assert.deepEqual(told, [
    ["c1", ["1 ann+bob", "2 ann+bob", "3 bob"]],
    ["c2", ["1 bob", "2 bob", "3 bob"]],
  ]);
  const [first, second] = outgoing.get("c1")?.events ?? [];
  assert.equal(first?.users, second?.users);
  assert.deepEqual(usersOf(unit), everybody);
});

test("a delivery that a connector did not take is replaced by gaps with the last seq of each conversation", () => {
  const unit = emptyUnit(1);
  unit.events.push(event(1, "ann", everybody), event(2, "ann", everybody));
  unit.gaps.set("h", { head: 9, recipients: ["bob"] });
  const out = spread(unit, online).get("c1");
  assert.ok(out !== undefined);
  assert.deepEqual(gapsInPlaceOf(out), [
    { conversation: "h", head: 9, users: ["bob"] },
    { conversation: "g", head: 2, users: ["ann", "bob"] },
  ]);
});

test("each connector gets the notices of its own users", () => {
  const unit = emptyUnit(1);
  putNotice(unit, receiptOf({ conversation: "g", user: "bob", seq: 3, origin: "s1" }));
  putNotice(unit, { frame: '{"t":"typing"}', users: everybody, session: "s9", key: "typing", order: 1 });
  const outgoing = spread(unit, online);
  const told = [...outgoing].map(([connector, { notices }]) => [
    connector,
    notices.map(({ key, users, session, origin }) => [key, users.join("+"), session ?? origin]),
  ]);
  assert.deepEqual(told, [
    [
      "c1",
      [
        ["receipt bob g", "bob", "s1"],
        ["typing", "ann+bob", "s9"],
      ],
    ],
    [
      "c2",
      [
        ["receipt bob g", "bob", "s1"],
        ["typing", "bob", "s9"],
      ],
    ],
  ]);
  assert.deepEqual(usersOf(unit).toSorted(), everybody);
});
