import { Run } from "../src/run.ts";
import { EVENT_COLUMNS, eventOfRow } from "../src/event-row.ts";
import type { EventRow } from "../src/event-row.ts";
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Batch, LogRecord } from "@jichat/protocol/log/record.ts";
import type { PartitionLog, Positioned } from "@jichat/log/partition-log.ts";
import { needChdb } from "@jichat/testkit/needs.ts";
import { readWatermarks, writeRuns } from "../src/batch-writer.ts";
import { CarefulInsert } from "../src/careful-insert.ts";
import type { Quarantined } from "../src/careful-insert.ts";
import { connectClickHouse } from "../src/clickhouse.ts";
import { migrate } from "../src/migrations.ts";
import type { Rows } from "../src/rows.ts";
import { addRow, noRows } from "../src/rows.ts";
import type { Store } from "../src/store.ts";
import { replayRange, verifyRange } from "../src/verify.ts";

const PARTITION = 3;
const BAD_TEXTS = [
  "cut \ud83d",
  "\ude00",
  "\ude00\ud83d",
  "\ud83d\ud83d",
  "\ud83dx",
  "\ud83d\n",
  '"\\\ud83d',
];
const ODD_TEXTS = [
  "a\u0000b",
  "\u0001",
  "\ufffd",
  "\uffff",
  "\\ud83d",
  "\\u",
  "'\n\t",
  "🙂".repeat(1_000),
  "",
];
const NO_TEXTS: unknown[] = [5, 1.5, true, null, { a: 1 }, ["x"]];
const NUMBERS: unknown[] = [1e300, 1e20, 2 ** 63, 2 ** 53, -1, 1.5, "x", "1", true, null, {}];

let folder: string;
let store: Store;
/** Each column's type in ClickHouse, by `table.column`. */
let types: Map<string, string>;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "jichat-quarantine-"));
  store = await connectClickHouse({ embeddedPath: folder, chdbHome: await needChdb() }, "sweep");
  await migrate(store);
  const columns = await store.query<{ table: string; name: string; type: string }>(
    "SELECT table, name, type FROM system.columns WHERE database = {database: String}",
    { database: "sweep" },
  );
  types = new Map(columns.map(({ table, name, type }) => [`${table}.${name}`, type]));
});
after(async () => {
  await store?.close();
  rmSync(folder, { recursive: true, force: true });
});

function badFor(table: string, column: string): unknown[] {
  const type = types.get(`${table}.${column}`) ?? "";
  if (type.includes("UInt")) return NUMBERS;
  const texts = [...BAD_TEXTS, ...ODD_TEXTS, ...NO_TEXTS];
  return type.startsWith("Array") ? texts.map((text) => ["ann", text]) : texts;
}

function goodFor(table: string, column: string, number: number): unknown {
  const type = types.get(`${table}.${column}`) ?? "";
  if (type.includes("UInt")) return column === "joined" ? 1 : number;
  return type.startsWith("Array") ? ["ann"] : `${column}${number}`;
}

/** Of a log as much as `verify` and `replay` ask of it. */
function logOf(records: readonly (readonly LogRecord[])[]): { log: PartitionLog; run: () => Run } {
  const batches = records.map((some, at): Positioned => {
    const batch: Batch = { v: 1, owner: "o", number: at, done: 0, ts: 1, records: some };
    return JSON.parse(JSON.stringify({ position: at + 1, batch })) as Positioned;
  });
  const log = {
    async *range(from: number, to: number) {
      yield* batches.slice(from - 1, to);
    },
  } as unknown as PartitionLog;
  const run = (): Run => {
    const all = new Run(PARTITION, 1);
    for (const positioned of batches) all.add(positioned);
    return all;
  };
  return { log, run };
}

const countOf = async (table: string): Promise<number> =>
  Number(
    (await store.query<{ count: number }>(`SELECT count() AS count FROM {db}.${table} FINAL`))[0]?.count,
  );

async function clear(): Promise<void> {
  for (const table of [...Object.keys(noRows()), "quarantine", "watermarks"])
    await store.command(`TRUNCATE TABLE {db}.${table}`);
}

/** One record for each value of each column of an event, and a good one beside it. */
function sweptRecords(): LogRecord[][] {
  const swept: LogRecord[][] = [];
  for (const kind of ["message", "edited", "created", "renamed"]) {
    // `extra` is no field of an event: it is made of what its kind has beyond the columns.
    for (const column of EVENT_COLUMNS.filter((name) => name !== "extra")) {
      for (const value of badFor("events", column)) {
        const number = swept.length + 1;
        const row = {
          ...Object.fromEntries(EVENT_COLUMNS.map((name) => [name, goodFor("events", name, number)])),
          extra: "",
          kind,
          body: '{"t":"\\ud83d"}',
          [column]: column === "conversation" ? `${String(value)} ${number}` : value,
        } as unknown as EventRow;
        const record: LogRecord = { r: "event", device: "", session: "", ...eventOfRow(row) };
        swept.push([
          record,
          {
            ...record,
            ...eventOfRow({
              ...row,
              [column]: goodFor("events", column, number),
              conversation: `beside${number}`,
            }),
          },
        ]);
      }
    }
  }
  return swept;
}

test(
  "a run is written with any content of its events, the watermark moves, and `verify` agrees",
  { timeout: 120_000 },
  async () => {
    await clear();
    const records = sweptRecords();
    const { log, run } = logOf(records);
    const told: Quarantined[] = [];
    const careful = new CarefulInsert(store, (row) => told.push(row));
    await writeRuns([run()], store, careful);
    const last = records.length;
    assert.equal((await readWatermarks(store)).get(PARTITION), last);
    const compared = await verifyRange(log, store, { partition: PARTITION, from: 1, to: last });
    assert.ok(compared.equal, JSON.stringify(compared));
    assert.equal(compared.table.events, 2 * last);
    assert.ok(compared.replaced > 0);
    const [kept, said] = [await countOf("quarantine"), told.length];
    assert.equal(kept, said);

    await writeRuns([run()], store, careful);
    assert.equal(told.length, said, "what is written twice is told once");
    assert.equal(await countOf("quarantine"), kept);
    await replayRange(log, store, { partition: PARTITION, from: 1, to: last });
    assert.ok((await verifyRange(log, store, { partition: PARTITION, from: 1, to: last })).equal);
    assert.equal(await countOf("quarantine"), kept);

    // A row that was changed afterwards is still noticed where it stands for another.
    const { conversation = "" } = told.find(({ table }) => table === "events") ?? {};
    await store.command(
      `ALTER TABLE {db}.events UPDATE sender = 'eve' WHERE conversation = '${conversation}' SETTINGS mutations_sync = 1`,
    );
    assert.equal((await verifyRange(log, store, { partition: PARTITION, from: 1, to: last })).equal, false);
  },
);

test(
  "every value of every column of every table is inserted, or is in `quarantine`",
  { timeout: 120_000 },
  async () => {
    for (const isChecked of [true, false]) {
      await clear();
      for (const [table, { columns }] of Object.entries(noRows()) as [
        keyof Rows,
        { columns: readonly string[] },
      ][]) {
        const lines = noRows()[table];
        const origin = { partition: PARTITION, position: 1 };
        let number = 0;
        for (const column of columns) {
          for (const value of badFor(table, column)) {
            number += 1;
            const values = columns.map((name) =>
              name === column ? value : goodFor(table, name, name === "partition" ? PARTITION : number),
            );
            // Past the check, it is ClickHouse that says which ones it takes.
            if (isChecked) addRow(lines, values, origin);
            else lines.add(values, origin);
          }
        }
        const told: Quarantined[] = [];
        await new CarefulInsert(store, (row) => told.push(row)).insert(table, lines);
        assert.ok(told.length > 0 && told.length < number, `${table}: ${told.length} of ${number}`);
        const broken = await store.query(
          `SELECT * FROM {db}.${table} WHERE NOT isValidUTF8(concat(${columns
            .filter((name) => /String/.test(types.get(`${table}.${name}`) ?? ""))
            .map((name) => `toString(${name})`)
            .join(", ")}, ''))`,
        );
        if (isChecked) assert.deepEqual(broken, [], `${table} has valid UTF-8 only`);
      }
    }
  },
);

test("rows with half pairs that an earlier version inserted still verify as the same log", async () => {
  await clear();
  const record: LogRecord = {
    r: "event",
    device: "",
    session: "",
    conversation: "g",
    seq: 1,
    no: 0,
    kind: "renamed",
    from: "ann",
    ts: 1,
    name: "a\ude00b",
  };
  const { log } = logOf([[record]]);
  const lines = noRows().events;
  lines.add(["g", 1, 0, "renamed", "ann", "", 1, "", 0, [], 0, [], "a\ude00b", "", PARTITION, 1, 0]);
  await store.insertLines("events", lines);
  const { equal, replaced } = await verifyRange(log, store, { partition: PARTITION, from: 1, to: 1 });
  assert.deepEqual({ equal, replaced }, { equal: true, replaced: 1 });
});
