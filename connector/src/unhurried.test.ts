import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { notFoundLeavesAt } from "./unhurried.ts";

test("the time of a refusal is hidden below a quarter of a second, and shows only whole ticks above it", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1e9, noNaN: true }),
      fc.double({ min: 0, max: 2_000, noNaN: true }),
      (arrived, tookMs) => {
        const at = notFoundLeavesAt(arrived, arrived + tookMs);
        assert.equal(at % 50, 0);
        assert.ok(at >= arrived + 250 && at >= arrived + tookMs);
        assert.ok(at <= Math.max(arrived + 250, arrived + tookMs) + 50.001);
        if (tookMs <= 250) assert.equal(at, notFoundLeavesAt(arrived, arrived));
      },
    ),
  );
});
