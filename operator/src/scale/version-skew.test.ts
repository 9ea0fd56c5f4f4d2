import assert from "node:assert/strict";
import { test } from "node:test";
import { skewRefused } from "./version-skew.ts";

test("neighbours may run side by side, in both directions, and nothing further apart", () => {
  for (const [from, to] of [
    ["0.1.0", "0.1.9"],
    ["0.1.0", "0.2.0"],
    ["0.2.3", "0.1.0"],
    ["1.9.0", "2.0.4"],
    ["2.0.4", "1.9.0"],
    ["0.1.0", "a-branch"],
    ["sha-1234", "0.9.0"],
  ] as const)
    assert.equal(skewRefused(from, to), undefined, `${from} to ${to}`);
  for (const [from, to, step] of [
    ["0.1.0", "0.3.0", "a 0.2"],
    ["0.3.0", "0.1.0", "a 0.2"],
    ["0.1.0", "99.0.0", "a 1.0"],
    ["1.9.0", "2.1.0", "a 2.0"],
    ["2.1.0", "1.9.0", "a 2.0"],
    ["3.0.0", "1.9.0", "the last 2"],
  ] as const)
    assert.match(skewRefused(from, to) ?? "", new RegExp(`side by side: set spec.version to ${step} first`));
});
