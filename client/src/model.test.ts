import { test } from "node:test";
import { runModel } from "../test/model.ts";

const asked = process.env["CLIENT_SEED"];
const SEEDS = 3_000;

test(`${SEEDS} runs of random calls and faults leave nothing pending, lost or out of order, and no timer`, async () => {
  const [first, last] = asked === undefined ? [1, SEEDS] : [Number(asked), Number(asked)];
  for (let seed = first; seed <= last; seed += 1) await runModel(seed);
});
