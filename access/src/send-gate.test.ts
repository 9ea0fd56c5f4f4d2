import assert from "node:assert/strict";
import { test } from "node:test";
import { SEND_GATE_MS } from "@jichat/protocol/limits.ts";
import { SendGate } from "./send-gate.ts";

const refusal = { code: "BUSY", message: "full" } as const;

test("sends behind a refused one share its error until its id comes again", () => {
  const gate = new SendGate();
  gate.refused("g", "a", gate.next(), refusal, 0);
  assert.equal(gate.check("g", "b", 1), refusal);
  assert.equal(gate.check("h", "b", 1), undefined, "another conversation");
  assert.equal(gate.check("g", "a", 2), undefined);
  assert.equal(gate.check("g", "b", 3), undefined);
});

test("it lasts 5 s and not a millisecond longer", () => {
  const gate = new SendGate();
  gate.refused("g", "a", gate.next(), refusal, 0);
  assert.equal(gate.check("g", "b", SEND_GATE_MS - 1), refusal);
  assert.equal(gate.check("g", "b", SEND_GATE_MS), undefined);
});

test("it waits for the earliest of those that were refused, 5 s from the last refusal", () => {
  const gate = new SendGate();
  const [a, b] = [gate.next(), gate.next()];
  gate.refused("g", "b", b, refusal, 0);
  gate.refused("g", "a", a, refusal, 1_000);
  gate.refused("g", "b", gate.next(), refusal, 2_000);
  assert.equal(gate.check("g", "b", 2_000 + SEND_GATE_MS - 1), refusal);
  assert.equal(gate.check("g", "a", 2_000 + SEND_GATE_MS - 1), undefined);
});

test("it is bounded: past a thousand conversations the oldest is let go", () => {
  const gate = new SendGate();
  for (let i = 0; i <= 1_000; i += 1) gate.refused(`g${i}`, "a", gate.next(), refusal, 0);
  assert.equal(gate.check("g0", "b", 1), undefined);
  assert.equal(gate.check("g1", "b", 1), refusal);
});
