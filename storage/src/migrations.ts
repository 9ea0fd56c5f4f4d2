import { createHash } from "node:crypto";
import type { Logger } from "pino";
import { systemClock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { LEVEL_KNOWN } from "@jichat/protocol/level.ts";
import type { Row, Store } from "./store.ts";

export interface Migration {
  readonly version: number;
  /**
   * A process must know this level to run on this schema. Processes of the level before still run when the
   * migration is applied, so the level must be lower than the newest level of the build that adds the
   * migration.
   */
  readonly level: number;
  readonly statements: readonly string[];
}

// Rows must be on disk before the watermark is written, or a power cut would lose rows that the log has
// already trimmed. Reads remove duplicates by (conversation, seq), by max or by id. Merges only save space.
const SETTINGS =
  "SETTINGS index_granularity = 1024, min_rows_to_fsync_after_merge = 1, fsync_after_insert = 1, fsync_part_directory = 1";

/** Migrations go forward only. A released statement never changes: its checksum is in every database. */
export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    level: 0,
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
    // Originals of replaced rows. A row may be written more than once, and is never deleted.
    version: 2,
    level: 0,
    statements: [
      `CREATE TABLE IF NOT EXISTS {db}.quarantine (
        partition UInt16, position UInt64, conversation String, seq UInt64, table LowCardinality(String),
        original String CODEC(ZSTD), reason String, ts UInt64, digest UInt64
      ) ENGINE = ReplacingMergeTree ORDER BY (partition, position, table, conversation, seq, digest) ${SETTINGS}`,
    ],
  },
  {
    // Fields that an event's kind has beyond the common columns, as compact JSON. A build that inserts
    // without the column leaves it empty, as for an event without such fields.
    version: 3,
    level: 0,
    statements: [
      "ALTER TABLE {db}.events ADD COLUMN IF NOT EXISTS extra String DEFAULT '' CODEC(ZSTD)",
      "ALTER TABLE {db}.lifecycle ADD COLUMN IF NOT EXISTS extra String DEFAULT ''",
    ],
  },
  {
    // Members' own settings, as compact JSON; empty if all are as they were at the beginning. The row with
    // the highest position counts, if its seq is not below the member's first one. Builds of level 0 and 1
    // never read it, and nothing is written to it before level 2.
    version: 4,
    level: 0,
    statements: [
      `CREATE TABLE IF NOT EXISTS {db}.settings (
        conversation String, user String, seq UInt64, value String, position UInt64
      ) ENGINE = ReplacingMergeTree(position) ORDER BY (conversation, user) ${SETTINGS}`,
    ],
  },
];

const checksumOf = (migration: Migration): string =>
  createHash("sha256").update(migration.statements.join(";")).digest("hex");

/**
 * Builds of level 0 read only the table `migrations`, and refuse any version there above this one. So a later
 * version is written there only if such builds may not run on it. The table `applied` has every version, with
 * the level that a process must know.
 */
const VERSION_OF_LEVEL_0 = 2;

const isForLevel0 = ({ version, level }: Migration): boolean => version <= VERSION_OF_LEVEL_0 || level > 0;

interface Applied {
  readonly version: number;
  readonly checksum: string;
  /** Infinity if only the table `migrations` has it: a build whose level is unknown to us wrote it. */
  readonly level: number;
}

interface MigrateOptions {
  readonly migrations?: readonly Migration[];
  /** The newest level that this build knows. */
  readonly known?: number;
}

/**
 * Migrates the schema to this build's version. It needs no rights if the schema is already there. Accepts a
 * newer schema if its level is at most `known`. Throws for any other schema, and for one whose history
 * differs from ours. Returns the versions that it applied.
 */
export async function migrate(
  store: Pick<Store, "database" | "query" | "command" | "insert">,
  { migrations = MIGRATIONS, known = LEVEL_KNOWN }: MigrateOptions = {},
): Promise<readonly number[]> {
  const rows = await appliedOf(store);
  for (const row of rows ?? []) mayRunOn(row, migrations, known);
  const applied = new Set(rows?.map(({ version }) => version));
  const missing = migrations.filter(({ version }) => !applied.has(version));
  if (rows === undefined) await store.command("CREATE DATABASE IF NOT EXISTS {db}");
  if (missing.length > 0)
    for (const [table, column] of [
      ["migrations", ""],
      ["applied", "level UInt16, "],
    ] as const)
      await store.command(
        `CREATE TABLE IF NOT EXISTS {db}.${table} (version UInt32, checksum String, ${column}at DateTime DEFAULT now()) ENGINE = MergeTree ORDER BY version`,
      );
  for (const migration of missing) {
    const { version, level, statements } = migration;
    for (const statement of statements) await store.command(statement);
    const checksum = checksumOf(migration);
    await store.insert("applied", [{ version, checksum, level }]);
    if (isForLevel0(migration)) await store.insert("migrations", [{ version, checksum }]);
  }
  return missing.map(({ version }) => version);
}

function mayRunOn(
  { version, checksum, level }: Applied,
  migrations: readonly Migration[],
  known: number,
): void {
  const ours = migrations.find((migration) => migration.version === version);
  if (ours !== undefined && checksumOf(ours) !== checksum)
    throw new Error(`migration ${version} was changed after it was applied`);
  if (ours !== undefined || level <= known) return;
  const needs = level === Infinity ? "" : ` and needs processes that know level ${level}`;
  throw new Error(
    `the ClickHouse schema has version ${version}${needs}; this build knows version ${migrations.at(-1)?.version ?? 0} and level ${known}: use a newer JiChat`,
  );
}

const AGAIN_MS = 1_000;

/** Like `migrate`, but waits for a ClickHouse that does not answer, until the signal aborts. */
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

/** The applied migrations. Undefined if there are none. */
async function appliedOf(store: Pick<Store, "database" | "query">): Promise<readonly Applied[] | undefined> {
  const tables = await store.query<{ readonly name: string }>(
    "SELECT name FROM system.tables WHERE database = {database: String} AND name IN ('migrations', 'applied')",
    { database: store.database },
  );
  if (tables.length === 0) return undefined;
  const has = (table: string): boolean => tables.some(({ name }) => name === table);
  const said: Omit<Applied, "level">[] = [];
  const levels = new Map<number, number>();
  if (has("migrations"))
    said.push(
      ...(await store.query<Omit<Applied, "level"> & Row>(
        "SELECT version, any(checksum) AS checksum FROM {db}.migrations GROUP BY version",
      )),
    );
  if (has("applied"))
    for (const { version, checksum, least } of await store.query<
      Omit<Applied, "level"> & { readonly least: number } & Row
    >("SELECT version, any(checksum) AS checksum, max(level) AS least FROM {db}.applied GROUP BY version")) {
      levels.set(version, least);
      said.push({ version, checksum });
    }
  // Both tables have their say: a statement that was changed is found in either.
  return said
    .map(({ version, checksum }) => ({ version, checksum, level: levels.get(version) ?? Infinity }))
    .sort((one, other) => one.version - other.version);
}
