import assert from "node:assert/strict";
import { test } from "node:test";
import { SEND_GATE_MS } from "@jichat/protocol/limits.ts";
import { REFUSED_SENDS_MAX, SendGate } from "./send-gate.ts";

const refusal = { code: "BUSY", message: "full" } as const;

/** A send arrives and asks; the refusal that it shares. */
const arrives = (gate: SendGate, conversation: string, id: string, now: number) =>
  gate.admit(conversation, id, gate.place(conversation, id), now);
const refuse = (gate: SendGate, conversation: string, id: string, now: number): void => {
  gate.refused(conversation, id, { place: gate.place(conversation, id), refusal, now });
};

test("sends behind a refused one share its error until its id returns, and then go on in order", () => {
  const gate = new SendGate();
  refuse(gate, "g", "a", 0);
  assert.equal(arrives(gate, "g", "b", 1), refusal);
  assert.equal(arrives(gate, "h", "b", 1), undefined, "another conversation");
  assert.equal(arrives(gate, "g", "a", 2), undefined);
  assert.equal(arrives(gate, "g", "c", 3), refusal, "b shared it, and has not come again");
  assert.equal(arrives(gate, "g", "b", 3), undefined);
  assert.equal(arrives(gate, "g", "c", 3), undefined);
});

test("a send that is refused again keeps its place", () => {
  const gate = new SendGate();
  for (const id of ["a", "b", "c"]) refuse(gate, "g", id, 0);
  const place = gate.place("g", "a");
  assert.equal(gate.admit("g", "a", place, 1), undefined);
  gate.refused("g", "a", { place, refusal, now: 2 });
  assert.equal(arrives(gate, "g", "b", 3)?.code, "BUSY");
  assert.equal(arrives(gate, "g", "a", 3), undefined);
});

test("a refused copy holds nothing once its original in flight is acked", () => {
  const gate = new SendGate();
  assert.equal(arrives(gate, "g", "a", 0), undefined);
  refuse(gate, "g", "a", 1);
  assert.equal(arrives(gate, "g", "b", 2), refusal);
  gate.settled("g", "a", 3);
  assert.equal(arrives(gate, "g", "b", 4), undefined);
});

test("the gate is full at one refused send over its bound, unless earlier ones no longer hold", () => {
  const gate = new SendGate();
  for (let i = 0; i < REFUSED_SENDS_MAX; i += 1) refuse(gate, `g${i % 7}`, `m${i}`, 0);
  assert.equal(gate.isFull, false);
  const late = new SendGate();
  for (let i = 0; i < REFUSED_SENDS_MAX; i += 1) refuse(late, `g${i}`, "a", i < 10 ? 0 : 1);
  refuse(late, "h", "a", SEND_GATE_MS);
  assert.equal(late.isFull, false);
  assert.equal(arrives(late, "g0", "b", SEND_GATE_MS), undefined);
  assert.equal(arrives(late, "g10", "b", SEND_GATE_MS), refusal);
  refuse(gate, "g", "one more", SEND_GATE_MS - 1);
  assert.equal(gate.isFull, true);
});

test("a send that only shares a refusal counts, and one with a final answer does not", () => {
  const gate = new SendGate();
  for (let i = 0; i < REFUSED_SENDS_MAX; i += 1) refuse(gate, "g", `m${i}`, 0);
  gate.settled("g", "m5", 0);
  assert.equal(arrives(gate, "g", "b", 1), refusal);
  assert.equal(gate.isFull, false);
  assert.equal(arrives(gate, "g", "c", 1), refusal);
  assert.equal(gate.isFull, true);
});
