import assert from "node:assert/strict";
import { test } from "node:test";
import type { Guards } from "./guards.ts";
import { ALL } from "./guards.ts";
import { seedThatNotices } from "./seeds.ts";

const SEEDS = 1_500;

/** Where the search begins for the one guard that only a rare course of events needs. */
const BEGIN: Partial<Record<keyof Guards, number>> = { sameRun: 1_950 };

for (const guard of Object.keys(ALL) as (keyof Guards)[]) {
  test(`without its guard \`${guard}\` the simulation finds a violation`, async (t) => {
    const seed = await seedThatNotices(guard, BEGIN[guard] ?? 1, SEEDS);
    assert.ok(seed !== undefined, `${SEEDS} seeds did not notice that ${guard} is missing`);
    t.diagnostic(`found by seed ${seed}`);
  });
}
