import assert from "node:assert/strict";
import { test } from "node:test";
import { LEVEL_KNOWN, asLevel, readSaidLevel } from "./level.ts";

test("a process that reports no level does not count as level 0", () => {
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

test("a level is from 0 to 65,535", () => {
  for (const level of [0, LEVEL_KNOWN, 65_535]) assert.equal(asLevel(level), level);
  for (const other of [-1, 65_536, 0.5, Number.NaN, "1", null, undefined])
    assert.throws(() => asLevel(other), RangeError);
});
