import { setImmediate as turn } from "node:timers/promises";
import type { Rows } from "./rows.ts";
import { noRows } from "./rows.ts";
import type { Store } from "./store.ts";
import { Lines } from "./store.ts";
import type { Run } from "./tail.ts";

/**
 * Makes runs of the log durable in ClickHouse, then moves the watermarks over them. Rows of a run that was
 * written twice are the same rows: every read dedups by their key, so a crash between the two steps costs
 * nothing but space.
 */
export async function writeRuns(runs: readonly Run[], store: Store): Promise<void> {
  const tables = new Map((Object.keys(noRows()) as (keyof Rows)[]).map((table) => [table, new Lines()]));
  for (const run of runs) {
    const rows = run.rows();
    for (const [table, lines] of tables) for (const row of rows[table]) lines.add(row);
    await turn(); // Questions do not wait for all of it.
  }
  for (const [table, lines] of tables) await store.insertLines(table, lines);
  await store.insert(
    "watermarks",
    runs.map(({ partition, last }) => ({ partition, position: last })),
  );
}

/** Where each partition's log is held up to. Storage starts from here, never from what a consumer acked. */
export async function readWatermarks(store: Store): Promise<Map<number, number>> {
  const rows = await store.query<{ partition: number; position: number }>(
    "SELECT partition, max(position) AS position FROM {db}.watermarks GROUP BY partition",
  );
  return new Map(rows.map(({ partition, position }) => [partition, position]));
}
