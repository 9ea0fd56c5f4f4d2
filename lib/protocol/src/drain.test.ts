import assert from "node:assert/strict";
import { test } from "node:test";
import { readDrainOrder, readDrainReport, readShedOrder, readShedReport, reportText } from "./drain.ts";

test("an order to drain may leave out everything, and takes each field at its bounds", () => {
  assert.deepEqual(readDrainOrder(""), {});
  assert.deepEqual(readDrainOrder(" \n"), {});
  assert.deepEqual(readDrainOrder("{}"), {});
  for (const deadlineSeconds of [1, 3_600])
    assert.deepEqual(readDrainOrder(JSON.stringify({ deadlineSeconds })), { deadlineSeconds });
  for (const perSecond of [1, 100_000])
    assert.deepEqual(readDrainOrder(JSON.stringify({ perSecond, deadlineSeconds: 2 })), {
      deadlineSeconds: 2,
      perSecond,
    });
  assert.deepEqual(readShedOrder('{"connections":0,"perSecond":1}'), { connections: 0, perSecond: 1 });
});

const NO_OBJECT = ["null", "[]", "7", '"drain"', "true", "[{}]"];
const NO_INTEGER = ["0", "-1", "1.5", '"10"', "null", "true", "[]", "{}", "1e300", "9007199254740993"];

test("whatever else a body is, it is refused by name", () => {
  const refusal = (message: RegExp) => ({ name: "ChatError", code: "INVALID", message });
  for (const read of [readDrainOrder, readShedOrder]) {
    for (const text of ["{", "nope", "{'a':1}", "{}{}"])
      assert.throws(() => read(text), refusal(/not JSON/), text);
    for (const text of NO_OBJECT) assert.throws(() => read(text), refusal(/not a JSON object/), text);
    for (const name of ["deadline", "__proto__", "toString", "x".repeat(5_000)])
      assert.throws(
        () => read(`{${JSON.stringify(name)}:1}`),
        refusal(/is not a field: the fields are/),
        name,
      );
    for (const value of [...NO_INTEGER, "100001"])
      assert.throws(
        () => read(`{"perSecond":${value}}`),
        refusal(/`perSecond` is not an integer from 1 to 100000/),
        value,
      );
  }
  for (const value of [...NO_INTEGER, "3601"])
    assert.throws(
      () => readDrainOrder(`{"deadlineSeconds":${value}}`),
      refusal(/`deadlineSeconds` is not an integer from 1 to 3600/),
      value,
    );
  assert.throws(() => readShedOrder(""), refusal(/not JSON/));
  assert.throws(() => readShedOrder('{"perSecond":1}'), refusal(/`connections` is missing/));
  assert.throws(() => readShedOrder('{"connections":1}'), refusal(/`perSecond` is missing/));
  assert.throws(
    () => readShedOrder('{"connections":1000001,"perSecond":1}'),
    refusal(/`connections` is not/),
  );
});

test("a report is read as it was written, and what is none is refused", () => {
  const report = { state: "draining", since: 5, deadline: 9, connections: 3, told: 2, forced: 1 } as const;
  assert.deepEqual(readDrainReport(reportText(report)), report);
  const none = { state: "none", connections: 0, told: 0, forced: 0 } as const;
  assert.deepEqual(readDrainReport(reportText(none)), none);
  const shed = { left: 1, told: 2, forced: 0, connections: 4 };
  assert.deepEqual(readShedReport(reportText(shed)), shed);
  for (const field of ["state", "connections", "told", "forced"] as const) {
    assert.throws(
      () => readDrainReport(JSON.stringify({ ...report, [field]: undefined })),
      RangeError,
      field,
    );
    assert.throws(() => readDrainReport(JSON.stringify({ ...report, [field]: "?" })), RangeError, field);
  }
  for (const field of ["left", "told", "forced", "connections"] as const)
    assert.throws(() => readShedReport(JSON.stringify({ ...shed, [field]: -1 })), RangeError, field);
});
