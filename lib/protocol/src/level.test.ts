import assert from "node:assert/strict";
import { test } from "node:test";
import { LEVEL_KNOWN, asLevel, checkAnswered, isAnswered, readSaidLevel } from "./level.ts";

test("a verb is answered from its level on, and below it is unknown", () => {
  assert.ok(isAnswered(0, 0) && isAnswered(1, 0) && isAnswered(1, 1));
  assert.ok(!isAnswered(0, 1) && !isAnswered(1, 2));
  for (const verb of ["pin", "unpin"]) {
    assert.throws(
      () => {
        checkAnswered(verb, 0);
      },
      { code: "FRAME_UNKNOWN", message: `unknown frame type "${verb}"` },
    );
    checkAnswered(verb, 1);
  }
  // What level 0 knows, what nobody knows and what is no text: its reader says what is wrong.
  for (const verb of ["send", "nonsense", undefined, 7]) checkAnswered(verb, 0);
});

test("a process that says no level is not at level 0", () => {
  assert.deepEqual(readSaidLevel('{"known":1,"cluster":0}\n'), { known: 1, cluster: 0 });
  for (const text of [
    "",
    "here are /livez, /readyz, /metrics, /partitions, /faults and /drain\n",
    "{}",
    "null",
    '{"known":1}',
    '{"known":"1","cluster":0}',
    '{"known":-1,"cluster":0}',
    '{"known":1.5,"cluster":0}',
    '{"known":0,"cluster":1}',
  ])
    assert.throws(() => readSaidLevel(text), text);
});

test("levels count from 0 to 65,535", () => {
  for (const level of [0, LEVEL_KNOWN, 65_535]) assert.equal(asLevel(level), level);
  for (const other of [-1, 65_536, 0.5, Number.NaN, "1", null, undefined])
    assert.throws(() => asLevel(other), RangeError);
});
