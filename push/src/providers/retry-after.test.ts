import assert from "node:assert/strict";
import { test } from "node:test";
import { retryAfterMs } from "./retry-after.ts";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);

const ROWS: readonly (readonly [value: string | undefined, ms: number | undefined])[] = [
  [undefined, undefined],
  ["0", 0],
  ["120", 120_000],
  [" 7 ", 7_000],
  ["86400", 86_400_000],
  ["86401", 86_400_000],
  ["9999999999", 86_400_000],
  ["Fri, 02 Jan 2026 03:05:05 GMT", 60_000],
  ["Fri, 02 Jan 2026 03:04:05 GMT", 0],
  ["Fri, 02 Jan 2026 03:00:00 GMT", 0],
  ["Fri, 02 Jan 2027 03:00:00 GMT", 86_400_000],
  ["Fri, 42 Jan 2026 03:00:00 GMT", undefined],
  ["-1", undefined],
  ["1.5", undefined],
  ["12345678901", undefined],
  ["soon", undefined],
  ["2026-01-02", undefined],
  ["", undefined],
];

for (const [value, ms] of ROWS)
  test(`Retry-After ${JSON.stringify(value)}: ${ms}`, () => {
    assert.equal(retryAfterMs(value, NOW), ms);
  });
