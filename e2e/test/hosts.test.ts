import assert from "node:assert/strict";
import { test } from "node:test";
import type { Cell } from "../src/faults/matrix.ts";
import { nameOf } from "../src/faults/matrix.ts";
import { shortfalls, tableOf } from "../src/faults/outcome.ts";
import { playCell, whyNoHosts } from "../src/faults/room.ts";

/** A few of the matrix (`make nightly` plays all): one of each that takes something from a quorum. */
const CELLS: readonly Cell[] = [
  { faults: [{ kind: "kill", host: "nats-1" }], seed: 1 },
  { faults: [{ kind: "split", host: "nats-2" }], seed: 1 },
  { faults: [{ kind: "cut", host: "router-1" }], seed: 1 },
];
const RUN_TIMEOUT_MS = 330_000;
/** What hangs is found here; that nobody waits for more than ten seconds `make nightly` says. */
const LENIENCY = 2.5;

for (const cell of CELLS)
  test(`${nameOf(cell)}, of a cluster of three nats-servers`, { timeout: RUN_TIMEOUT_MS }, async (t) => {
    const why = await whyNoHosts();
    if (why !== undefined) t.diagnostic(`over TCP proxies: ${why}`);
    const outcome = await playCell(cell, why === undefined ? "namespaces" : "proxies");
    t.diagnostic(tableOf([{ cell, outcome }]).split("\n").at(-2) ?? "");
    assert.deepEqual(shortfalls(cell, outcome, LENIENCY).slice(0, 12), []);
  });
