import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL } from "./guards.ts";
import { runSeeds, seedThatNotices } from "./seeds.ts";
import { Simulation } from "./simulation.ts";

test("seeds 1,501 to 3,000 keep I1 to I7", async () => {
  await runSeeds(1_501, 3_000);
});

test("a seed replays exactly: the same log, batch by batch, and the same violations", async () => {
  const guards = { ...ALL, deliveryOrder: false };
  const seed = await seedThatNotices("deliveryOrder", 1, 100);
  assert.ok(seed !== undefined);
  const [first, second] = [new Simulation(seed, guards), new Simulation(seed, guards)];
  const [before, after] = [await first.run(), await second.run()];
  assert.ok(first.log.end > 5 && before.length > 0);
  assert.deepEqual(second.log.batches, first.log.batches);
  assert.deepEqual(after, before);
});
