import type { Run } from "./run.ts";
import { setImmediate as turn } from "node:timers/promises";
import { CarefulInsert } from "./careful-insert.ts";
import type { Lines } from "./lines.ts";
import type { Rows } from "./rows.ts";
import { noRows } from "./rows.ts";
import type { Store } from "./store.ts";

/**
 * Makes runs of the log durable in ClickHouse, then moves the watermarks over them. Rows of a run that was
 * written twice are the same rows: every read dedups by their key, so a crash between the two steps costs
 * nothing but space.
 */
export async function writeRuns(
  runs: readonly Run[],
  store: Store,
  careful = new CarefulInsert(store),
): Promise<void> {
  const rows = noRows();
  for (const run of runs) {
    run.addTo(rows);
    await turn(); // Questions do not wait for all of it.
  }
  for (const [table, lines] of Object.entries(rows) as [keyof Rows, Lines][])
    await careful.insert(table, lines);
  await store.insert(
    "watermarks",
    runs.map(({ partition, last }) => ({ partition, position: last })),
  );
  careful.finished();
}

/** Where each partition's log is held up to. Storage starts from here, never from what a consumer acked. */
export async function readWatermarks(store: Store): Promise<Map<number, number>> {
  const rows = await store.query<{ partition: number; position: number }>(
    "SELECT partition, max(position) AS position FROM {db}.watermarks GROUP BY partition",
  );
  return new Map(rows.map(({ partition, position }) => [partition, position]));
}
