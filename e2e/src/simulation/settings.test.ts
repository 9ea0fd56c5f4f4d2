import assert from "node:assert/strict";
import { test } from "node:test";
import type { Guards } from "./guards.ts";
import { ALL } from "./guards.ts";
import { Simulation } from "./simulation.ts";

const SEEDS = 300;

const run = async (seed: number, guards: Guards = ALL) => new Simulation(seed, guards, undefined, true).run();

test(`in ${SEEDS} seeds every user is listed the settings written last, and every device knows them`, async () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const violations = await run(seed);
    assert.deepEqual(violations.slice(0, 5), [], `seed ${seed} breaks ${violations.length} invariants`);
  }
});

for (const guard of ["refuseLower", "notices"] as const)
  test(`without its guard \`${guard}\` somebody is told settings that are not the last ones`, async () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const violations = await run(seed, { ...ALL, [guard]: false });
      if (violations.some(({ what }) => what.includes(" muted "))) return;
    }
    assert.fail(`${SEEDS} seeds did not notice it`);
  });
