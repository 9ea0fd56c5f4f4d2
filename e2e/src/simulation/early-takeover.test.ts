import assert from "node:assert/strict";
import { test } from "node:test";
import type { FaultKind } from "./faults.ts";
import { ALL } from "./guards.ts";
import { seedThatNotices } from "./seeds.ts";
import { Simulation } from "./simulation.ts";

/** What goes wrong beside a router that is robbed though it lives (ADR 0040). */
const BESIDE: readonly (readonly FaultKind[])[] = [
  ["cut"],
  ["cut", "crash", "stall"],
  ["cut", "redis", "lag"],
  ["cut", "clean", "drop"],
];
const SEEDS = 40;

for (const kinds of BESIDE)
  test(`nothing is lost when living routers are taken for dead (${kinds.join(", ")})`, async () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const violations = await new Simulation(seed, ALL, kinds).run();
      assert.deepEqual(violations.slice(0, 5), [], `seed ${seed} of ${kinds.join(", ")}`);
    }
  });

test("without the log's fence, an early successor would be found to break the invariants", async (t) => {
  const seed = await seedThatNotices("fence", 1, 500, ["cut"]);
  assert.ok(seed !== undefined);
  t.diagnostic(`found by seed ${seed}`);
});
