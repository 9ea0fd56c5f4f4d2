import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL } from "./guards.ts";
import { Simulation } from "./simulation.ts";

const SEEDS = 60;

test("where not one notice is told, the next sync of each device tells it every mark", async () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const simulation = new Simulation(seed, { ...ALL, notices: false });
    simulation.shed = 1; // As of a router that let go all of them: at the end the devices sync once more.
    assert.deepEqual((await simulation.run()).slice(0, 5), [], `seed ${seed}`);
  }
});
