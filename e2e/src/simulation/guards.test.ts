import assert from "node:assert/strict";
import { test } from "node:test";
import type { Guards } from "./guards.ts";
import { ALL } from "./guards.ts";
import type { FaultKind } from "./faults.ts";
import { seedThatNotices } from "./seeds.ts";

const SEEDS = 2_500;

/** The faults that bring out what a guard is for, where a little of everything would hide it. */
const KINDS: Partial<Record<keyof Guards, readonly FaultKind[]>> = {
  afterLoss: ["redis", "steal", "lag"],
  sameRun: ["redis", "lag"],
  wholeAt: ["redis", "pause", "lag", "drop"],
  headsFirst: ["move"],
  registerFirst: ["drop", "connector"],
  name: ["flush"],
  missedGap: ["drop", "connector"],
};

for (const guard of Object.keys(ALL) as (keyof Guards)[]) {
  test(`without its guard \`${guard}\` the simulation finds a violation`, async (t) => {
    const seed = await seedThatNotices(guard, 1, SEEDS, KINDS[guard]);
    assert.ok(seed !== undefined, `${SEEDS} seeds did not notice that ${guard} is missing`);
    t.diagnostic(`found by seed ${seed}`);
  });
}
