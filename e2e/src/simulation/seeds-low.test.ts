import { test } from "node:test";
import { runSeeds } from "./seeds.ts";

const asked = process.env["SIMULATION_SEED"];

test("seeds 1 to 1,500 keep I1 to I7", async () => {
  if (asked === undefined) await runSeeds(1, 1_500);
  else await runSeeds(Number(asked), Number(asked));
});
