import assert from "node:assert/strict";
import { test } from "node:test";
import { HandClock } from "@jichat/protocol/hand-clock.ts";
import { STUCK_MS, Unwritten } from "./unwritten.ts";

test("a long wait for ClickHouse is reported as a fault, with the error of ClickHouse", () => {
  const clock = new HandClock();
  const unwritten = new Unwritten(clock);
  clock.at = 10 * STUCK_MS;
  assert.equal(unwritten.ms, 0, "nothing waits");
  unwritten.begins();
  clock.at += STUCK_MS;
  unwritten.begins();
  assert.equal(unwritten.fault(), undefined);
  clock.at += 1;
  assert.equal(unwritten.ms, STUCK_MS + 1, "counted from the first try");
  assert.equal(unwritten.fault(), "ClickHouse does not answer an insert");
  unwritten.fails(new Error("refused 1-3", { cause: new Error("Code: 243. No space left") }));
  assert.equal(unwritten.fault(), "ClickHouse refuses inserts: Code: 243. No space left");
  unwritten.ends();
  assert.deepEqual([unwritten.ms, unwritten.fault()], [0, undefined]);
});
