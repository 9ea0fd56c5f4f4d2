import { Run } from "./run.ts";
import { EVENT_COLUMNS, eventOfRow } from "./event-row.ts";
import type { EventRow } from "./event-row.ts";
import type { PartitionLog } from "@jichat/log/partition-log.ts";
import { writeRuns } from "./batch-writer.ts";
import { valuesOfLine } from "./careful-insert.ts";
import type { Values } from "./fit.ts";
import { asOnceTaken, isFit, placeholder, repaired } from "./fit.ts";
import { digestOf, valuesOf } from "./rows.ts";
import type { Store } from "./store.ts";

/**
 * The number of events in a range, each counted once, and a sum of their digests that changes with any
 * difference.
 */
export interface RangeSum {
  readonly events: number;
  readonly digest: number;
}
export interface Compared {
  readonly equal: boolean;
  readonly log: RangeSum;
  readonly table: RangeSum;
  /** Events that were replaced in the table. `quarantine` has the originals. */
  readonly replaced: number;
}

/** A replaced row: the digest of the original, and the digests of all rows that may replace it. */
interface Stand {
  readonly original: number;
  readonly allowed: ReadonlySet<number>;
}
/** By conversation and seq, as in the table. */
type Stands = Map<string, Stand>;

const MODULUS = 2 ** 31 - 1;
const keyOf = (conversation: unknown, seq: unknown): string => `${String(conversation)} ${String(seq)}`;

function addStand(stands: Stands, values: Values): void {
  const better = repaired(EVENT_COLUMNS, values);
  const rows = [values, better, placeholder(EVENT_COLUMNS, values), asOnceTaken(values)];
  const [conversation, seq] = better;
  stands.set(keyOf(conversation, seq), { original: digestOf(values), allowed: new Set(rows.map(digestOf)) });
}

async function sumOfLog(log: PartitionLog, from: number, to: number, stands: Stands): Promise<RangeSum> {
  let events = 0;
  let digest = 0;
  for await (const { batch } of log.range(from, to)) {
    for (const record of batch.records) {
      if (record.r !== "event") continue;
      const values = valuesOf(record);
      if (!isFit(EVENT_COLUMNS, values)) addStand(stands, values);
      events += 1;
      digest = (digest + (digestOf(values) % MODULUS)) % MODULUS;
    }
  }
  return { events, digest };
}

/** Positions [from, to] of a partition. */
interface LogRange {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

interface StandsOfRange extends LogRange {
  readonly stands: Stands;
}

/** Columns of an `events` line after the event's own: partition, position, digest. */
const MORE_COLUMNS = 3;

/** The event's values in a quarantined line. A line of level 0 has no `extra`. */
function eventValuesOf(line: string): Values {
  const values = valuesOfLine(line).slice(0, -MORE_COLUMNS);
  return values.length < EVENT_COLUMNS.length ? [...values, ""] : values;
}

async function addQuarantined(store: Store, { partition, from, to, stands }: StandsOfRange): Promise<void> {
  const rows = await store.query<{ original: string }>(
    `SELECT original FROM {db}.quarantine WHERE partition = {partition: UInt16}
       AND position BETWEEN {from: UInt64} AND {to: UInt64} AND table = 'events'`,
    { partition, from, to },
  );
  for (const { original } of rows) addStand(stands, eventValuesOf(original));
}

/**
 * Sums the table. Digests are computed from the columns that readers get, not read from the column `digest`.
 * An allowed replacement counts with the digest of its original.
 */
async function sumOfTable(
  store: Store,
  { partition, from, to, stands }: StandsOfRange,
): Promise<RangeSum & { readonly replaced: number }> {
  const rows = await store.query<EventRow>(
    `SELECT ${EVENT_COLUMNS.join(", ")}
     FROM {db}.events
     WHERE partition = {partition: UInt16} AND position BETWEEN {from: UInt64} AND {to: UInt64}
     ORDER BY conversation, seq LIMIT 1 BY conversation, seq`,
    { partition, from, to },
  );
  let digest = 0;
  let replaced = 0;
  for (const row of rows) {
    const own = digestOf(valuesOf({ r: "event", device: "", session: "", ...eventOfRow(row) }));
    const stand = stands.get(keyOf(row.conversation, row.seq));
    const counts = stand?.allowed.has(own) === true ? stand.original : own;
    if (counts !== own) replaced += 1;
    digest = (digest + (counts % MODULUS)) % MODULUS;
  }
  return { events: rows.length, digest, replaced };
}

/**
 * Compares [from, to] of a partition in ClickHouse and in the log. Equal means that all events agree, or that
 * replaced ones have their original in `quarantine` (I10). Both ends must be in the log.
 */
export async function verifyRange(
  log: PartitionLog,
  store: Store,
  { partition, from, to }: LogRange,
): Promise<Compared> {
  const stands: Stands = new Map();
  await addQuarantined(store, { partition, from, to, stands });
  const inLog = await sumOfLog(log, from, to, stands);
  const { replaced, ...inTable } = await sumOfTable(store, { partition, from, to, stands });
  return {
    equal: inLog.events === inTable.events && inLog.digest === inTable.digest,
    log: inLog,
    table: inTable,
    replaced,
  };
}

/**
 * Writes [from, to] of the log to ClickHouse again, after deleting the rows of that range. Returns the number
 * of records.
 */
export async function replayRange(
  log: PartitionLog,
  store: Store,
  { partition, from, to }: LogRange,
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
