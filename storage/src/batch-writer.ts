import type { Rows } from "./rows.ts";
import { coalesce, noRows } from "./rows.ts";
import type { Store } from "./store.ts";
import type { Run } from "./tail.ts";

/**
 * Makes runs of the log durable in ClickHouse, then moves the watermarks over them. Rows of a run that was
 * written twice are the same rows: every read dedups by their key, so a crash between the two steps costs
 * nothing but space.
 */
export async function writeRuns(runs: readonly Run[], store: Store): Promise<void> {
  const all: Rows = noRows();
  for (const { rows } of runs) {
    for (const table of Object.keys(all) as (keyof Rows)[])
      for (const row of rows[table]) all[table].push(row);
  }
  const rows = coalesce(all);
  for (const table of Object.keys(rows) as (keyof Rows)[]) await store.insert(table, rows[table]);
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
