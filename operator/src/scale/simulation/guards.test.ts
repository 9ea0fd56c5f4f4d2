import assert from "node:assert/strict";
import { test } from "node:test";
import { Day } from "./day.ts";
import type { Guards } from "./guards.ts";
import { ALL } from "./guards.ts";

const SEEDS = 400;

for (const guard of Object.keys(ALL) as (keyof Guards)[])
  test(`without its guard \`${guard}\` some day goes wrong`, (t) => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const [violation] = new Day(seed, { ...ALL, [guard]: false }).run();
      if (violation === undefined) continue;
      t.diagnostic(`seed ${seed}: ${violation.slice(0, 120)}`);
      return;
    }
    assert.fail(`${SEEDS} days did not notice that ${guard} is missing`);
  });
