import type { PartitionLog } from "@jichat/runtime/partition-log.ts";
import { digestOf } from "./rows.ts";
import { EVENT_COLUMNS, eventOfRow } from "./events.ts";
import { writeRuns } from "./batch-writer.ts";
import type { Store } from "./store.ts";
import { Run } from "./tail.ts";

/**
 * What a range of the log and ClickHouse hold, each event once: their number, and a sum that any difference
 * changes.
 */
export interface RangeSum {
  readonly events: number;
  readonly digest: number;
}

const MODULUS = 2 ** 31 - 1;

async function sumOfLog(log: PartitionLog, from: number, to: number): Promise<RangeSum> {
  let events = 0;
  let digest = 0;
  for await (const { batch } of log.range(from, to)) {
    for (const record of batch.records) {
      if (record.r !== "event") continue;
      events += 1;
      digest = (digest + (digestOf(record) % MODULUS)) % MODULUS;
    }
  }
  return { events, digest };
}

/**
 * The digest is computed anew from the columns that readers get, not read from the column that was written
 * beside them.
 */
async function sumOfTable(store: Store, partition: number, from: number, to: number): Promise<RangeSum> {
  const rows = await store.query<Parameters<typeof eventOfRow>[0]>(
    `SELECT ${EVENT_COLUMNS.join(", ")}
     FROM {db}.events
     WHERE partition = {partition: UInt16} AND position BETWEEN {from: UInt64} AND {to: UInt64}
     ORDER BY conversation, seq LIMIT 1 BY conversation, seq`,
    { partition, from, to },
  );
  let digest = 0;
  for (const row of rows) {
    digest =
      (digest + (digestOf({ r: "event", device: "", session: "", ...eventOfRow(row) }) % MODULUS)) % MODULUS;
  }
  return { events: rows.length, digest };
}

/**
 * Whether ClickHouse holds [from, to] of a partition exactly as the log does (I10). Both ends must be in the
 * log.
 */
export async function verifyRange(
  log: PartitionLog,
  store: Store,
  partition: number,
  from: number,
  to: number,
): Promise<{ readonly equal: boolean; readonly log: RangeSum; readonly table: RangeSum }> {
  const [inLog, inTable] = [await sumOfLog(log, from, to), await sumOfTable(store, partition, from, to)];
  return {
    equal: inLog.events === inTable.events && inLog.digest === inTable.digest,
    log: inLog,
    table: inTable,
  };
}

/** Writes [from, to] of the log into ClickHouse again, after taking what stands there away. */
export async function replayRange(
  log: PartitionLog,
  store: Store,
  partition: number,
  from: number,
  to: number,
): Promise<number> {
  await store.command(
    `ALTER TABLE {db}.events DELETE WHERE partition = ${partition} AND position BETWEEN ${from} AND ${to}
     SETTINGS mutations_sync = 1`,
  );
  const run = new Run(partition, from);
  for await (const positioned of log.range(from, to)) run.add(positioned);
  await writeRuns([run], store);
  return run.records;
}
