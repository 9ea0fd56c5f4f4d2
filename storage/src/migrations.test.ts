import assert from "node:assert/strict";
import { test } from "node:test";
import { LEVEL_KNOWN } from "@jichat/protocol/level.ts";
import type { Migration } from "./migrations.ts";
import { MIGRATIONS, migrate } from "./migrations.ts";

type Rows = { readonly version: number; readonly checksum: string; readonly level?: number }[];

/** As much of ClickHouse as migrations ask. */
class FakeStore {
  readonly database = "d";
  readonly tables = new Map<string, Rows>();
  readonly commands: string[] = [];

  async query<T>(sql: string): Promise<T[]> {
    if (sql.includes("system.tables")) return [...this.tables.keys()].map((name) => ({ name })) as T[];
    const [, table = ""] = /\{db\}\.(\w+)/.exec(sql) ?? [];
    return (this.tables.get(table) ?? []).map((row) => ({ ...row, least: row.level })) as T[];
  }

  async command(sql: string): Promise<void> {
    this.commands.push(sql);
    const [, table] = /^CREATE TABLE IF NOT EXISTS \{db\}\.(migrations|applied) /.exec(sql) ?? [];
    if (table !== undefined && !this.tables.has(table)) this.tables.set(table, []);
  }

  async insert(table: string, rows: readonly object[]): Promise<void> {
    const there = this.tables.get(table);
    assert.ok(there !== undefined, `${table} is there before a row is`);
    there.push(...(rows as Rows));
  }

  versions(table: string): readonly number[] {
    return (this.tables.get(table) ?? []).map(({ version }) => version);
  }
}

const one = (version: number, level: number): Migration => ({ version, level, statements: [`S${version}`] });
/** Two of level 0, one on which level 0 may run on, and one on which it may not. */
const NEWER = [one(1, 0), one(2, 0), one(3, 0), one(4, 1)] as const;
const [FIRST, SECOND] = NEWER;

/** As a build of level 0 reads it: any version above its own is refused. */
const levelZeroRefuses = (store: FakeStore): boolean =>
  store.versions("migrations").some((version) => version > 2);

test("processes of the previous level may run on every migration of this build", () => {
  assert.deepEqual(
    MIGRATIONS.map(({ version }) => version),
    MIGRATIONS.map((_, at) => at + 1),
  );
  for (const { version, level } of MIGRATIONS)
    assert.ok(
      level < LEVEL_KNOWN,
      `migration ${version} is applied while level ${LEVEL_KNOWN - 1} still runs`,
    );
});

test("only a migration that level 0 must not run on is recorded in the table that level 0 reads", async () => {
  const store = new FakeStore();
  assert.deepEqual(await migrate(store, { migrations: NEWER.slice(0, 3), known: 1 }), [1, 2, 3]);
  assert.deepEqual(store.versions("migrations"), [1, 2]);
  assert.deepEqual(store.versions("applied"), [1, 2, 3]);
  assert.ok(!levelZeroRefuses(store));

  assert.deepEqual(await migrate(store, { migrations: NEWER, known: 2 }), [4]);
  assert.deepEqual(store.versions("applied"), [1, 2, 3, 4]);
  assert.ok(levelZeroRefuses(store));
});

test("a database of level 0 is migrated, and a second run changes nothing", async () => {
  const store = new FakeStore();
  await migrate(store, { migrations: NEWER.slice(0, 2), known: 0 });
  store.tables.delete("applied"); // Level 0 knows nothing of it.
  assert.deepEqual(await migrate(store, { migrations: NEWER.slice(0, 3), known: 1 }), [3]);
  assert.deepEqual(store.versions("migrations"), [1, 2]);
  store.commands.length = 0;
  assert.deepEqual(await migrate(store, { migrations: NEWER.slice(0, 3), known: 1 }), []);
  assert.deepEqual(store.commands, [], "no right to change anything is needed");
});

test("a newer schema is accepted only if its level is one that this build knows", async () => {
  const store = new FakeStore();
  await migrate(store, { migrations: NEWER, known: 2 });
  assert.deepEqual(await migrate(store, { migrations: [FIRST, SECOND], known: 1 }), []);
  await assert.rejects(
    migrate(store, { migrations: [FIRST, SECOND], known: 0 }),
    /schema has version 4 and needs processes that know level 1; this build knows version 2 and level 0/,
  );
});

test("a newer schema without a level is refused, and so is a changed migration", async () => {
  const store = new FakeStore();
  await migrate(store, { migrations: [FIRST, SECOND], known: 1 });
  const changed = [FIRST, { ...SECOND, statements: ["another"] }];
  await assert.rejects(migrate(store, { migrations: changed, known: 1 }), /migration 2 was changed/);
  store.tables.get("migrations")?.push({ version: 5, checksum: "x" });
  await assert.rejects(
    migrate(store, { migrations: NEWER, known: 9 }),
    /has version 5; this build knows version 4/,
  );
});
