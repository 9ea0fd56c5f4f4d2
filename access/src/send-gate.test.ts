import assert from "node:assert/strict";
import { test } from "node:test";
import { SEND_GATE_MS } from "@jichat/protocol/limits.ts";
import { SendGate } from "./send-gate.ts";

const refusal = { code: "BUSY", message: "full" } as const;

test("sends behind a refused one share its error until its id comes again", () => {
  const gate = new SendGate();
  const [a, b] = [gate.next(), gate.next()];
  gate.refused("g", "a", a, refusal, 0);
  assert.equal(gate.check("g", "b", b, 1), refusal);
  assert.equal(gate.check("h", "b", b, 1), undefined, "another conversation");
  assert.equal(gate.check("g", "a", gate.next(), 2), undefined);
  assert.equal(gate.check("g", "b", gate.next(), 3), undefined);
});

test("it lasts 5 s and not a millisecond longer; what was sent before the refused one is not held", () => {
  const gate = new SendGate();
  const [before, a] = [gate.next(), gate.next()];
  gate.refused("g", "a", a, refusal, 0);
  assert.equal(gate.check("g", "before", before, 1), undefined);
  assert.equal(gate.check("g", "b", gate.next(), SEND_GATE_MS - 1), refusal);
  assert.equal(gate.check("g", "b", gate.next(), SEND_GATE_MS), undefined);
});
