import { createHash } from "node:crypto";
import type { Logger } from "pino";
import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import type { Store } from "./store.ts";

interface Migration {
  readonly version: number;
  readonly statements: readonly string[];
}

// The watermark is written behind rows that are on the disk, or a power cut would lose what the log has let
// go. Reads dedup whatever was inserted twice: by (conversation, seq), by max, or by the id. Merges only
// save space.
const SETTINGS =
  "SETTINGS index_granularity = 1024, min_rows_to_fsync_after_merge = 1, fsync_after_insert = 1, fsync_part_directory = 1";

/** Forward only. A statement that was released is never changed: its checksum is in every database. */
export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    statements: [
      `CREATE TABLE IF NOT EXISTS {db}.events (
        conversation String, seq UInt64, no UInt64, kind LowCardinality(String), sender String, id String,
        ts UInt64,
        body String CODEC(ZSTD), reply_to UInt64, mentions Array(String), target UInt64,
        users Array(String), name String,
        partition UInt16, position UInt64, digest UInt64,
        INDEX by_position position TYPE minmax GRANULARITY 1
      ) ENGINE = ReplacingMergeTree ORDER BY (conversation, seq) ${SETTINGS}`,
      `CREATE TABLE IF NOT EXISTS {db}.edits (
        conversation String, target UInt64, seq UInt64, kind LowCardinality(String), body String CODEC(ZSTD)
      ) ENGINE = ReplacingMergeTree ORDER BY (conversation, target, seq) ${SETTINGS}`,
      `CREATE TABLE IF NOT EXISTS {db}.lifecycle (
        conversation String, seq UInt64, no UInt64, kind LowCardinality(String), sender String,
        users Array(String), name String,
        position UInt64
      ) ENGINE = ReplacingMergeTree ORDER BY (conversation, seq) ${SETTINGS}`,
      `CREATE TABLE IF NOT EXISTS {db}.memberships (
        user String, conversation String, seq UInt64, no UInt64, joined UInt8, partition UInt16,
        position UInt64
      ) ENGINE = ReplacingMergeTree ORDER BY (user, conversation, seq) ${SETTINGS}`,
      `CREATE TABLE IF NOT EXISTS {db}.heads (
        conversation String, head SimpleAggregateFunction(max, UInt64), no SimpleAggregateFunction(max,
        UInt64),
        ts SimpleAggregateFunction(max, UInt64), position SimpleAggregateFunction(max, UInt64)
      ) ENGINE = AggregatingMergeTree ORDER BY conversation ${SETTINGS}`,
      `CREATE TABLE IF NOT EXISTS {db}.marks (
        conversation String, user String, seq SimpleAggregateFunction(max, UInt64),
        no SimpleAggregateFunction(max, UInt64),
        position SimpleAggregateFunction(max, UInt64)
      ) ENGINE = AggregatingMergeTree ORDER BY (conversation, user) ${SETTINGS}`,
      `CREATE TABLE IF NOT EXISTS {db}.ids (
        conversation String, user String, id String, seq UInt64, ts UInt64
      ) ENGINE = ReplacingMergeTree ORDER BY (conversation, user, id) ${SETTINGS}`,
      `CREATE TABLE IF NOT EXISTS {db}.watermarks (
        partition UInt16, position SimpleAggregateFunction(max, UInt64)
      ) ENGINE = AggregatingMergeTree ORDER BY partition ${SETTINGS}`,
    ],
  },
  {
    // What stood in a log where a row of ours was put in its place: written once or more, never taken away.
    version: 2,
    statements: [
      `CREATE TABLE IF NOT EXISTS {db}.quarantine (
        partition UInt16, position UInt64, conversation String, seq UInt64, table LowCardinality(String),
        original String CODEC(ZSTD), reason String, ts UInt64, digest UInt64
      ) ENGINE = ReplacingMergeTree ORDER BY (partition, position, table, conversation, seq, digest) ${SETTINGS}`,
    ],
  },
  {
    // What kinds of events have beyond the columns. A version that does not know it writes rows without.
    version: 3,
    statements: [
      "ALTER TABLE {db}.events ADD COLUMN IF NOT EXISTS extra String DEFAULT ''",
      "ALTER TABLE {db}.lifecycle ADD COLUMN IF NOT EXISTS extra String DEFAULT ''",
    ],
  },
];

const checksumOf = (migration: Migration): string =>
  createHash("sha256").update(migration.statements.join(";")).digest("hex");

/**
 * Brings the schema up to this build, and needs no right to do so where it is there already. Refuses a schema
 * that is newer, or one whose history is not ours. Returns the versions that it applied.
 */
export async function migrate(store: Store, migrations = MIGRATIONS): Promise<readonly number[]> {
  const rows = await appliedOf(store);
  const newest = migrations.at(-1)?.version ?? 0;
  for (const { version, checksum } of rows ?? []) {
    if (version > newest)
      throw new Error(
        `the ClickHouse schema has version ${version}, this build knows ${newest}: use a newer JiChat`,
      );
    const known = migrations.find((migration) => migration.version === version);
    if (known !== undefined && checksumOf(known) !== checksum)
      throw new Error(`migration ${version} was changed after it was applied`);
  }
  const applied = new Set(rows?.map(({ version }) => version));
  const missing = migrations.filter(({ version }) => !applied.has(version));
  if (rows === undefined) {
    await store.command("CREATE DATABASE IF NOT EXISTS {db}");
    await store.command(
      "CREATE TABLE IF NOT EXISTS {db}.migrations (version UInt32, checksum String, at DateTime DEFAULT now()) ENGINE = MergeTree ORDER BY version",
    );
  }
  for (const migration of missing) {
    for (const statement of migration.statements) await store.command(statement);
    await store.insert("migrations", [{ version: migration.version, checksum: checksumOf(migration) }]);
  }
  return missing.map(({ version }) => version);
}

const AGAIN_MS = 1_000;

/** As `migrate`, and waits for a ClickHouse that does not answer until the signal aborts. */
export async function migrateOnceThere(
  store: Store,
  log: Logger,
  signal: AbortSignal,
): Promise<readonly number[]> {
  for (;;) {
    try {
      return await migrate(store);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ChatError)) throw error;
      log.warn({ err: error.cause }, "ClickHouse does not answer yet");
      await systemClock.sleep(AGAIN_MS, signal);
    }
  }
}

/** What was applied so far; undefined where nothing ever was. */
async function appliedOf(store: Store): Promise<{ version: number; checksum: string }[] | undefined> {
  const tables = await store.query(
    "SELECT name FROM system.tables WHERE database = {database: String} AND name = 'migrations'",
    { database: store.database },
  );
  if (tables.length === 0) return undefined;
  return store.query(
    "SELECT version, any(checksum) AS checksum FROM {db}.migrations GROUP BY version ORDER BY version",
  );
}
