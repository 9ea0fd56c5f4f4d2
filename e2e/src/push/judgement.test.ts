import assert from "node:assert/strict";
import { test } from "node:test";
import type { Account, Person, Push } from "./judgement.ts";
import { READ_MS, coverageOf, pushedThoughThere, pushedThoughRead, repeatedTooOften } from "./judgement.ts";

const AT = 1_000_000;
const away: Person = {
  user: "ann",
  devices: ["phone"],
  awayFrom: 0,
  unregistered: [],
  active: [],
  live: [],
};
const message = (seq: number, at = AT) => ({ conversation: "c", seq, to: ["ann", "bob"], at });
const push = (seq: number, more: Partial<Push> = {}): Push => ({
  user: "ann",
  device: "phone",
  conversation: "c",
  seq,
  count: 1,
  at: AT,
  ...more,
});
const accountOf = (account: Partial<Account>): Account => ({
  messages: [],
  pushes: [],
  deadLetters: [],
  reads: [],
  people: [away],
  ...account,
});

test("a message is told by a push of its own, or by a later one of its conversation and its device", () => {
  const messages = [1, 2, 3, 4, 5].map((seq) => message(seq));
  const pushes = [push(1), push(3, { count: 2 }), push(4)];
  const { untold, ...found } = coverageOf(accountOf({ messages, pushes }));
  assert.deepEqual(found, { own: 3, folded: 1, buried: 0, later: [] });
  assert.deepEqual(untold, ["ann/phone: c 5, between 4 for 1 and none"]);
  assert.deepEqual(
    coverageOf(accountOf({ messages: [message(2), message(3)], pushes: [push(4)] })).later.length,
    2,
  );
});

test("a folded push tells of no more messages than it stands for", () => {
  const others = { ...message(3), to: ["bob"] };
  const messages = [message(1), message(2), others, message(4)];
  const folded = (count: number): number =>
    coverageOf(accountOf({ messages, pushes: [push(4, { count })] })).folded;
  assert.deepEqual([1, 2, 3, 4].map(folded), [0, 1, 2, 2]);
  const told = coverageOf(accountOf({ messages, pushes: [push(2), push(4, { count: 2 })] }));
  assert.equal(told.folded, 1, "what has a push of its own needs no other");
});

test("what a provider refused for good is accounted for by its dead letter", () => {
  const messages = [1, 2, 3, 4].map((seq) => message(seq));
  const letters = [1, 3].map((seq) => ({ ...push(seq, { count: seq - 1 }), reason: "400" }));
  const { untold, ...found } = coverageOf(accountOf({ messages, deadLetters: letters }));
  assert.deepEqual(found, { own: 0, folded: 0, buried: 3, later: [] });
  assert.deepEqual(untold, ["ann/phone: c 4, between none and none"]);
});

test("a device that its provider called gone has to hear of what comes before and after that", () => {
  const people = [{ ...away, unregistered: [{ from: AT, to: AT + 100 }] }];
  const untold = (at: number): number =>
    coverageOf(accountOf({ messages: [message(1, at)], people })).untold.length;
  assert.deepEqual([AT - 1, AT, AT + 100, AT + 101].map(untold), [1, 0, 0, 1]);
});

test("neither an earlier push tells of it, nor one of another device, user or conversation", () => {
  const messages = [message(2)];
  for (const one of [
    push(1, { count: 9 }),
    push(2, { device: "web" }),
    push(2, { user: "bob" }),
    push(3, { conversation: "d", count: 2 }),
  ])
    assert.equal(coverageOf(accountOf({ messages, pushes: [one] })).untold.length, 1);
});

test("every device of whoever is away has to hear of it, and nobody else has to", () => {
  const people = [
    { ...away, devices: ["phone", "web"] },
    { ...away, user: "bob", awayFrom: AT },
  ];
  const told = (at: number): readonly string[] =>
    coverageOf(accountOf({ messages: [message(1, at)], people })).untold;
  assert.equal(told(AT - 1).length, 2);
  assert.equal(told(AT).length, 3);
});

test("what was read at the end need not have been told, and not a seq more", () => {
  const reads = [{ user: "ann", conversation: "c", seq: 2, at: AT }];
  const messages = [message(2), message(3)];
  assert.deepEqual(coverageOf(accountOf({ messages, reads })).untold, [
    "ann/phone: c 3, between none and none",
  ]);
  const other = [{ ...reads[0], user: "bob", conversation: "c", seq: 3, at: AT }];
  assert.equal(coverageOf(accountOf({ messages, reads: other })).untold.length, 2);
});

test("a push of what was read five seconds before is found, and not one a millisecond sooner", () => {
  const reads = [{ user: "ann", conversation: "c", seq: 2, at: AT }];
  const found = (one: Push): number => pushedThoughRead(accountOf({ reads, pushes: [one] })).length;
  assert.equal(found(push(2, { at: AT + READ_MS })), 1);
  assert.equal(found(push(1, { at: AT + READ_MS })), 1);
  assert.equal(found(push(2, { at: AT + READ_MS - 1 })), 0);
  assert.equal(found(push(3, { at: AT + READ_MS })), 0);
  assert.equal(found(push(2, { at: AT + READ_MS, user: "bob" })), 0);
});

test("a push to a user who looked since it could be decided is found", () => {
  const people = [{ ...away, active: [{ from: AT, to: AT + 10_000 }] }];
  const found = (at: number): number =>
    pushedThoughThere(accountOf({ people, pushes: [push(1, { at })] })).length;
  assert.deepEqual([AT + 2_999, AT + 3_000, AT + 8_000, AT + 8_001].map(found), [0, 1, 1, 0]);
});

test("a push to a device that is online itself is found, and none to another one of its user", () => {
  const people = [{ ...away, live: [{ device: "laptop", from: AT, to: AT + 10_000 }] }];
  const found = (device: string): number =>
    pushedThoughThere(accountOf({ people, pushes: [push(1, { at: AT + 5_000, device })] })).length;
  assert.deepEqual([found("laptop"), found("phone")], [1, 0]);
});

test("ids that come again are bound to a fault, and their number is", () => {
  const kills = [{ what: "push-1", from: AT, to: AT + 100 }];
  const samples = (at: number, total: number) => [
    { at: AT - 1, total: 0 },
    { at, total },
  ];
  assert.deepEqual(repeatedTooOften(samples(AT + 100, 5), kills, 5), []);
  assert.equal(repeatedTooOften(samples(AT + 101, 1), kills, 5).length, 1);
  assert.equal(repeatedTooOften(samples(AT + 100, 6), kills, 5).length, 1);
});
