import type { Run } from "./run.ts";
import { setImmediate as turn } from "node:timers/promises";
import { CarefulInsert } from "./careful-insert.ts";
import type { Lines } from "./lines.ts";
import type { Rows } from "./rows.ts";
import { noRows } from "./rows.ts";
import type { Store } from "./store.ts";

/**
 * Makes runs of the log durable in ClickHouse, then moves the watermarks over them. A crash between the two
 * steps costs only space: the run is written again with the same rows, and every read removes duplicates by
 * key.
 */
export async function writeRuns(
  runs: readonly Run[],
  store: Store,
  careful = new CarefulInsert(store),
): Promise<void> {
  const rows = noRows();
  for (const run of runs) {
    run.addTo(rows);
    await turn(); // Queries get their turn in between.
  }
  for (const [table, lines] of Object.entries(rows) as [keyof Rows, Lines][])
    await careful.insert(table, lines);
  await store.insert(
    "watermarks",
    runs.map(({ partition, last }) => ({ partition, position: last })),
  );
  careful.finished();
}

/**
 * The watermark of each partition: ClickHouse holds the log up to there. Storage starts from it, never from
 * what a consumer has acknowledged.
 */
export async function readWatermarks(store: Store): Promise<Map<number, number>> {
  const rows = await store.query<{ partition: number; position: number }>(
    "SELECT partition, max(position) AS position FROM {db}.watermarks GROUP BY partition",
  );
  return new Map(rows.map(({ partition, position }) => [partition, position]));
}
