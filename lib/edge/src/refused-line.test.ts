import assert from "node:assert/strict";
import { test } from "node:test";
import { SEND_GATE_MS } from "@jichat/protocol/limits.ts";
import { RefusedLine } from "./refused-line.ts";

const busy = { code: "BUSY", message: "full", retryAfterMs: 100 } as const;
const ids = (line: RefusedLine): string => Array.from(line.marks, ({ id }) => id).join("");

/** Refused at once, in this order, at 0. */
const lineOf = (...refused: string[]): RefusedLine => {
  const line = new RefusedLine();
  refused.forEach((id, index) => {
    line.refuse(id, index + 1, busy, 0);
  });
  return line;
};

test("a send that shares a refusal joins the line, and is not overtaken after the first one returned", () => {
  const line = lineOf("a");
  assert.equal(line.admit("b", 2, 4_000), busy);
  assert.equal(line.admit("a", 1, 4_900), undefined);
  assert.equal(line.admit("c", 3, 8_999), busy, "b was told at 4,000");
  assert.equal(line.admit("b", 2, 9_000), undefined);
  assert.equal(line.admit("c", 3, 9_000), undefined);
  assert.equal(line.size, 0);
});

test("only the first send of the line goes on, and one that is refused again keeps its place", () => {
  const line = lineOf("a", "b", "c");
  assert.ok(line.admit("b", 2, 10) !== undefined && line.admit("c", 3, 10) !== undefined);
  assert.equal(line.admit("a", 1, 20), undefined);
  assert.equal(line.admit("b", 2, 20), undefined);
  line.refuse("b", 2, busy, 30);
  line.refuse("a", 1, busy, 30);
  assert.equal(ids(line), "abc");
});

test("a send holds the line for exactly 5 s, and the next one for as long from its turn on", () => {
  assert.equal(lineOf("a", "b").admit("x", 3, SEND_GATE_MS - 1)?.code, "BUSY");
  assert.equal(lineOf("a", "b").admit("x", 3, SEND_GATE_MS), undefined);
  const [line, other] = [lineOf("a", "b"), lineOf("a", "b")];
  const turn = SEND_GATE_MS - 1;
  for (const one of [line, other]) assert.equal(one.admit("a", 1, turn), undefined);
  assert.equal(line.admit("x", 3, turn + SEND_GATE_MS - 1)?.code, "BUSY");
  assert.equal(other.admit("x", 3, turn + SEND_GATE_MS), undefined);
});

test("many sends that do not return hold for 5 s together", () => {
  const line = lineOf("a", "b", "c", "d", "e");
  assert.equal(line.admit("x", 6, SEND_GATE_MS), undefined);
  assert.equal(line.size, 0);
});

test("a late send goes on before those that are still awaited", () => {
  const line = lineOf("a");
  assert.ok(line.admit("b", 2, 4_000) !== undefined);
  assert.ok(line.admit("c", 3, 6_000) !== undefined, "b holds it");
  assert.equal(line.admit("a", 1, 6_000), undefined);
  assert.equal(ids(line), "bc");
});

test("copies extend no hold, and the ack of the original ends theirs", () => {
  const line = lineOf("a");
  for (let now = 1_000; now < SEND_GATE_MS; now += 1_000) line.refuse("b", 2, busy, now);
  assert.equal(
    line.admit("b", 2, SEND_GATE_MS),
    undefined,
    "refused at the door all the time, a is let go of",
  );
  const other = lineOf("a", "b");
  other.settle("b", 10);
  assert.equal(ids(other), "a");
  other.settle("a", 10);
  assert.equal(other.admit("c", 3, 11), undefined);
});

test("a copy has the place of its first copy, whichever is refused first", () => {
  const line = lineOf("b");
  line.refuse("a", 9, busy, 0);
  assert.equal(ids(line), "ba");
  line.refuse("a", 0, busy, 0);
  assert.equal(ids(line), "ab");
  line.refuse("a", 12, busy, 0);
  assert.equal(ids(line), "ab");
});

test("repeated shared refusals double the wait, up to the end of the hold", () => {
  const line = lineOf("a");
  const told: number[] = [];
  for (let now = 0; ;) {
    const refusal = line.admit("b", 2, now);
    if (refusal === undefined) break;
    told.push(refusal.retryAfterMs ?? 0);
    now += refusal.retryAfterMs ?? 0;
  }
  assert.deepEqual(told, [100, 200, 400, 800, 1_600, 1_900]);
});

test("a sweep keeps the sends that hold", () => {
  const line = lineOf("a", "b");
  line.refuse("b", 2, busy, 1);
  line.sweep(SEND_GATE_MS);
  assert.equal(ids(line), "b");
});
