import assert from "node:assert/strict";
import { test } from "node:test";
import type { Guards } from "./guards.ts";
import { ALL } from "./guards.ts";
import { seedThatNotices } from "./seeds.ts";

const SEEDS = 1_500;

/**
 * Where the search begins for the guards that only a rare course of events needs; all others are noticed
 * within a few seeds.
 */
const BEGIN: Partial<Record<keyof Guards, number>> = {
  ownerId: 320,
  sendGate: 460,
  registerFirst: 1_290,
  afterLoss: 880,
  sameRun: 1_410,
};

for (const guard of Object.keys(ALL) as (keyof Guards)[]) {
  test(`without its guard \`${guard}\` the simulation finds a violation`, async (t) => {
    const seed = await seedThatNotices(guard, BEGIN[guard] ?? 1, SEEDS);
    assert.ok(seed !== undefined, `${SEEDS} seeds did not notice that ${guard} is missing`);
    t.diagnostic(`found by seed ${seed}`);
  });
}
