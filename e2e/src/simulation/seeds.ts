import assert from "node:assert/strict";
import type { Guards } from "./guards.ts";
import { ALL } from "./guards.ts";
import type { FaultKind } from "./faults.ts";
import { Simulation } from "./simulation.ts";

/**
 * Runs one seed after the other. Throws for the first that breaks an invariant, with everything needed to
 * replay it.
 */
export async function runSeeds(first: number, last: number): Promise<void> {
  for (let seed = first; seed <= last; seed += 1) {
    const violations = await new Simulation(seed).run();
    assert.deepEqual(
      violations.slice(0, 5),
      [],
      `seed ${seed} breaks ${violations.length} invariants; replay it with SIMULATION_SEED=${seed} make unit`,
    );
  }
}

/** The first of `seeds` seeds, from `first` on, that notices a missing guard; undefined if none does. */
export async function seedThatNotices(
  guard: keyof Guards,
  first: number,
  seeds: number,
  kinds?: readonly FaultKind[],
): Promise<number | undefined> {
  for (let seed = first; seed < first + seeds; seed += 1) {
    if ((await new Simulation(seed, { ...ALL, [guard]: false }, kinds).run()).length > 0) return seed;
  }
  return undefined;
}
