import { test } from "node:test";
import { runModel } from "../test/model.ts";

const asked = process.env["CLIENT_SEED"];
const SEEDS = 3_000;

test(`${SEEDS} runs of random calls and faults: nothing pends, nothing is lost, order holds, no timer is left`, async () => {
  const [first, last] = asked === undefined ? [1, SEEDS] : [Number(asked), Number(asked)];
  for (let seed = first; seed <= last; seed += 1) await runModel(seed);
});
