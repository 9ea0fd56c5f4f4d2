import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChatEvent, EventKind } from "@jichat/protocol/frame/server-frame.ts";
import { Ledger } from "./ledger.ts";

const C = "g_1";
const event = (
  seq: number,
  no: number,
  kind: EventKind,
  from: string,
  more: Partial<ChatEvent> = {},
): ChatEvent => ({ conversation: C, seq, no, kind, from, ts: 1_000 + seq, id: `${from}-${seq}`, ...more });
const created = event(1, 0, "created", "ann", { users: ["ann", "bob"], name: "G" });
const first = event(2, 1, "message", "ann", { body: { text: "1" } });
const second = event(3, 2, "message", "bob", { body: { text: "2" } });

/** Ann and Bob, one device each, two messages, everything as it should be. */
function good(
  change: {
    without?: (user: string, seq: number) => boolean;
    order?: readonly ChatEvent[];
    unread?: number;
  } = {},
): Ledger {
  const ledger = new Ledger();
  ledger.device("ann", "a");
  ledger.device("bob", "b");
  ledger.sent("ann", "a", C, "ann-1");
  ledger.acked("ann", "a", { id: "ann-1", conversation: C, seq: 1 });
  ledger.sent("ann", "a", C, "ann-2");
  ledger.acked("ann", "a", { id: "ann-2", conversation: C, seq: 2 });
  ledger.sent("bob", "b", C, "bob-3");
  ledger.acked("bob", "b", { id: "bob-3", conversation: C, seq: 3 });
  for (const one of change.order ?? [created, first])
    if (change.without?.("bob", one.seq) !== true) ledger.received("bob", "b", one);
  ledger.received("ann", "a", second);
  for (const user of ["ann", "bob"])
    ledger.history(user, C, { first: 1, head: 3, events: [created, first, second] });
  ledger.listed("ann", C, { first: 1, head: 3, read: 2, unread: change.unread ?? 1 });
  return ledger;
}

const broken = (ledger: Ledger): string[] => [...new Set(ledger.check().map(({ invariant }) => invariant))];

test("a clean run has no violation", () => {
  assert.deepEqual(good().check(), []);
  assert.equal(good().isCaughtUp(), true);
});

test("an acked message that is nowhere is a loss", () => {
  const ledger = good();
  ledger.sent("ann", "a", C, "ann-9");
  ledger.acked("ann", "a", { id: "ann-9", conversation: C, seq: 4 });
  assert.deepEqual(broken(ledger), ["I1"]);
});

test("an acked message whose seq has another message is a loss", () => {
  const ledger = good();
  ledger.sent("bob", "b", C, "bob-4");
  ledger.acked("bob", "b", { id: "bob-4", conversation: C, seq: 2 });
  assert.ok(broken(ledger).includes("I1"));
});

test("a message that one device never saw is a loss, and the run is not caught up", () => {
  const ledger = good({ without: (user, seq) => user === "bob" && seq === 2 });
  assert.deepEqual(broken(ledger), ["I1"]);
  assert.equal(ledger.isCaughtUp(), false);
});

test("the run is not caught up while nobody has seen an acked message", () => {
  const ledger = good();
  ledger.sent("bob", "b", C, "bob-4");
  ledger.acked("bob", "b", { id: "bob-4", conversation: C, seq: 4 });
  assert.equal(ledger.isCaughtUp(), false);
});

test("a message shown twice is a duplicate", () => {
  assert.deepEqual(broken(good({ order: [created, first, first] })), ["I2"]);
});

test("messages shown in another order are a swap", () => {
  assert.deepEqual(broken(good({ order: [first, created] })), ["I2"]);
});

test("a seq with two meanings is found", () => {
  const ledger = good();
  ledger.history("bob", C, { first: 1, head: 3, events: [created, { ...first, from: "eve" }, second] });
  assert.ok(broken(ledger).includes("I2"));
});

test("another body under the same seq is found, unless it was edited", () => {
  const other = good();
  other.history("bob", C, {
    first: 1,
    head: 3,
    events: [created, { ...first, body: { text: "x" } }, second],
  });
  assert.deepEqual(broken(other), ["I2"]);

  const edited = good();
  edited.history("bob", C, {
    first: 1,
    head: 3,
    events: [created, { ...first, body: { text: "x" }, edited: 4 }, second],
  });
  assert.deepEqual(broken(edited), []);
});

test("a hole in a history is found", () => {
  const ledger = good();
  ledger.history("bob", C, { first: 1, head: 3, events: [created, second] });
  assert.ok(broken(ledger).includes("I2"));
});

/** `x` was sent before `y`, and stands behind it. */
function swapped(): Ledger {
  const ledger = new Ledger();
  ledger.device("ann", "a");
  for (const [id, seq] of [
    ["x", 3],
    ["y", 2],
  ] as const) {
    ledger.sent("ann", "a", C, id);
    ledger.acked("ann", "a", { id, conversation: C, seq });
  }
  const group = event(1, 0, "created", "ann", { users: ["ann"] });
  ledger.received("ann", "a", group);
  ledger.history("ann", C, {
    first: 1,
    head: 3,
    events: [group, event(2, 1, "message", "ann", { id: "y" }), event(3, 2, "message", "ann", { id: "x" })],
  });
  return ledger;
}

test("sends of one device that were numbered in another order are a swap", () => {
  assert.deepEqual(broken(swapped()), ["I3"]);
});

test("a send that was refused for good and sent again may come after later sends", () => {
  for (const id of ["x", "y", "z"]) {
    const ledger = swapped();
    ledger.refused("ann", "a", id);
    assert.deepEqual(broken(ledger), id === "z" ? ["I3"] : [], `${id} was refused`);
  }
});

test("one id with two seqs is found, in acks and in the history", () => {
  const acks = good();
  acks.acked("ann", "a", { id: "ann-2", conversation: C, seq: 3 });
  assert.ok(broken(acks).includes("I4"));

  const history = good();
  history.history("ann", C, { first: 4, head: 4, events: [event(4, 3, "message", "ann", { id: "ann-2" })] });
  assert.ok(broken(history).includes("I4"));
});

test("an event that a stranger sees is found", () => {
  const ledger = good();
  ledger.device("eve", "e");
  ledger.received("eve", "e", first);
  assert.deepEqual(broken(ledger), ["I5"]);
});

test("an event after the reader's leave is found, and the leave itself is not", () => {
  const left = event(4, 2, "left", "bob", { users: ["bob"] });
  const later = event(5, 3, "message", "ann");
  const run = (last: ChatEvent): string[] => {
    const ledger = good();
    ledger.received("ann", "a", left);
    ledger.received("ann", "a", later);
    ledger.received("bob", "b", last);
    return broken(ledger).filter((invariant) => invariant === "I5");
  };
  assert.deepEqual(run(left), []);
  assert.deepEqual(run(later), ["I5"]);
});

test("a wrong unread count is found, one too many and one too few", () => {
  assert.deepEqual(broken(good({ unread: 2 })), ["I6"]);
  assert.deepEqual(broken(good({ unread: 0 })), ["I6"]);
});

test("a mark below the user's own message or acked read is found", () => {
  const ledger = good();
  ledger.readAcked("ann", C, 3);
  assert.deepEqual(broken(ledger), ["I6"]);
});

test("a message count that skips is found", () => {
  const ledger = good();
  ledger.received("ann", "a", event(4, 4, "message", "bob"));
  ledger.received("bob", "b", event(4, 4, "message", "bob"));
  assert.deepEqual(broken(ledger), ["I6"]);
});
