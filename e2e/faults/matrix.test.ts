import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { ROOT } from "@jichat/testkit/cache.ts";
import type { Cell } from "../src/faults/matrix.ts";
import { cellsOf, nameOf, readCell } from "../src/faults/matrix.ts";
import type { Outcome } from "../src/faults/outcome.ts";
import { shortfalls, tableOf } from "../src/faults/outcome.ts";
import { playCell, whyNoHosts } from "../src/faults/room.ts";

/** `FAULTS_SEEDS=1,2,3`, and `FAULTS_ONLY="kill nats-1, cut router-1 + slow redis"` for some of all. */
const { FAULTS_SEEDS = "1,2,3", FAULTS_ONLY } = process.env;
const FOLDER = join(ROOT, ".data/faults");
const RUN_TIMEOUT_MS = 330_000;

function asked(): readonly Cell[] {
  const seeds = FAULTS_SEEDS.split(",").map(Number);
  if (FAULTS_ONLY === undefined) return seeds.flatMap(cellsOf);
  const names = FAULTS_ONLY.split(",").map((name) => name.trim());
  return seeds.flatMap((seed) =>
    names.map((name) => {
      const cell = readCell(name, seed);
      if (cell === undefined) throw new Error(`no such fault: ${name}`);
      return cell;
    }),
  );
}

const why = await whyNoHosts();
if (why !== undefined) throw new Error(`the fault matrix gives every part a host of its own: ${why}`);
mkdirSync(FOLDER, { recursive: true });
const runs: { cell: Cell; outcome: Outcome }[] = [];

for (const cell of asked())
  test(`${nameOf(cell)}, seed ${cell.seed}`, { timeout: RUN_TIMEOUT_MS }, async () => {
    const outcome = await playCell(cell, "namespaces");
    runs.push({ cell, outcome });
    appendFileSync(join(FOLDER, "runs.jsonl"), `${JSON.stringify(outcome)}\n`);
    const short = shortfalls(cell, outcome);
    assert.deepEqual(short.slice(0, 12), [], `${short.length} shortfalls`);
  });

after(() => {
  writeFileSync(join(FOLDER, "table.md"), tableOf(runs));
});
