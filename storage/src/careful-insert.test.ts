import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatError } from "@jichat/protocol/errors.ts";
import fc from "fast-check";
import type { Quarantined } from "./careful-insert.ts";
import { CarefulInsert } from "./careful-insert.ts";
import type { Lines } from "./lines.ts";
import type { Rows } from "./rows.ts";
import { addRow, noRows } from "./rows.ts";
import type { Row, Store, Table } from "./store.ts";

const DOWN = { code: "ECONNREFUSED" };
const MEMORY = { code: "241" };
const INCORRECT = { clickhouseCode: 117 };
const AT = { partition: 1, position: 7 };

/** Takes rows, whole inserts only, but for what `refuses` says of a line. */
class FakeStore {
  readonly rows: string[] = [];
  readonly quarantine: Row[] = [];
  statements = 0;
  refuses: (line: string, statement: number) => object | undefined = () => undefined;

  async insertLines(table: Table, lines: Lines): Promise<void> {
    this.statements += 1;
    for (const [line] of lines) {
      const cause = this.refuses(line, this.statements);
      if (cause !== undefined) throw new ChatError("UNAVAILABLE", `refused rows of ${table}`, { cause });
    }
    this.rows.push(...lines.toString().split("\n"));
  }

  async insert(_table: Table, rows: readonly Row[]): Promise<void> {
    this.quarantine.push(...rows);
  }
}

function setUp() {
  const fake = new FakeStore();
  const told: Quarantined[] = [];
  const careful = new CarefulInsert(fake as unknown as Store, (row) => told.push(row));
  return { fake, told, careful };
}

const valuesOf = (number: number): unknown[] => [
  "g",
  1,
  number,
  "renamed",
  "ann",
  ["bob"],
  `name ${number}.`,
  7,
  "",
];

function linesOf(count: number): Lines {
  const { lifecycle } = noRows();
  for (let number = 0; number < count; number += 1) addRow(lifecycle, valuesOf(number), AT);
  return lifecycle;
}

test("each refused row is found and replaced for any reason of refusal, and all other rows are stored", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 200 }),
      fc.uniqueArray(fc.nat(199), { maxLength: 8 }),
      async (count, picked) => {
        const bad = picked.filter((number) => number < count);
        const { fake, told, careful } = setUp();
        fake.refuses = (line) =>
          bad.some((number) => line.includes(`"name ${number}."`)) ? INCORRECT : undefined;
        await careful.insert("lifecycle", linesOf(count));
        const expected = Array.from({ length: count }, (_, number) => {
          const values = valuesOf(number);
          return JSON.stringify(bad.includes(number) ? values.with(6, "") : values);
        });
        assert.deepEqual(fake.rows.toSorted(), expected.toSorted());
        assert.deepEqual(
          new Set(fake.quarantine.map(({ original }) => original)),
          new Set(bad.map((number) => JSON.stringify(valuesOf(number)))),
        );
        assert.deepEqual(told, fake.quarantine);
        assert.ok(
          told.every(
            ({ partition, position, conversation, table }) =>
              partition === 1 && position === 7 && conversation === "g" && table === "lifecycle",
          ),
        );
        assert.ok(fake.statements <= 1 + bad.length * (3 + 2 * Math.ceil(Math.log2(count))));
      },
    ),
    { numRuns: 200 },
  );
});

test("a ClickHouse that is down or fails is not asked row by row, even in the middle of a search", async () => {
  for (const trouble of [DOWN, MEMORY]) {
    const { fake, told, careful } = setUp();
    fake.refuses = () => trouble;
    await assert.rejects(careful.insert("lifecycle", linesOf(64)), { code: "UNAVAILABLE" });
    assert.equal(fake.statements, 1);
    for (let downAt = 1; downAt < 20; downAt += 1) {
      fake.statements = 0;
      fake.refuses = (line, statement) =>
        statement >= downAt ? trouble : line.includes('"name 40."') ? INCORRECT : undefined;
      await careful.insert("lifecycle", linesOf(64)).catch((error: unknown) => {
        assert.equal(error instanceof ChatError && error.cause, trouble);
      });
      assert.ok(fake.statements <= downAt);
    }
    fake.refuses = (line) => (line.includes('"name 40."') ? INCORRECT : undefined);
    await careful.insert("lifecycle", linesOf(64));
    assert.equal(new Set(fake.rows).size, 64);
    assert.equal(told.length, 1, "told once, however often it was tried");
  }
});

test("a short failure replaces no row, and a ClickHouse that accepts nothing replaces no row", async () => {
  const { fake, told, careful } = setUp();
  let refusals = 0;
  fake.refuses = (line) => (line.includes('"name 3."') && (refusals += 1) < 4 ? INCORRECT : undefined);
  await careful.insert("lifecycle", linesOf(4));
  assert.deepEqual([new Set(fake.rows).size, told.length, fake.quarantine.length], [4, 0, 0]);
  fake.refuses = () => INCORRECT;
  await assert.rejects(careful.insert("lifecycle", linesOf(4)), { code: "UNAVAILABLE" });
  assert.deepEqual([told.length, fake.quarantine.length], [0, 0]);
});

test("each attempt is bounded for any number of refused rows, and the next one goes on where it ended", async () => {
  const { fake, told, careful } = setUp();
  fake.refuses = (line) => (line.includes('"name ') ? INCORRECT : undefined);
  let attempts = 0;
  for (let isDone = false; !isDone; attempts += 1) {
    const before = fake.statements;
    isDone = await careful.insert("lifecycle", linesOf(600)).then(
      () => true,
      () => false,
    );
    assert.ok(attempts < 5 && fake.statements - before < 2_500);
  }
  assert.ok(attempts > 1);
  assert.equal(told.length, 600);
  assert.equal(new Set(fake.rows).size, 600);
});

test("a text that is not Unicode is replaced before ClickHouse refuses it, in every declared column", async () => {
  for (const [table, { columns }] of Object.entries(noRows()) as [keyof Rows, Lines][]) {
    for (const [at, column] of columns.entries()) {
      const { fake, told, careful } = setUp();
      const lines = noRows()[table];
      const good: readonly unknown[] = columns.map((name) =>
        /mentions|users/.test(name)
          ? ["ann"]
          : /conv|user|kind|sender|id|body|name|extra|value/.test(name)
            ? "x"
            : 1,
      );
      const isList = Array.isArray(good[at]);
      addRow(lines, good.with(at, isList ? ["ann", "\ud83d"] : "\ud83d"), AT);
      await careful.insert(table, lines);
      assert.equal(told.length, 1, `${table}.${column}`);
      assert.equal(fake.statements, 1);
      const value: unknown = (JSON.parse(fake.rows[0] ?? "") as unknown[])[at];
      assert.deepEqual(value, isList ? ["ann", "\ufffd"] : good[at] === 1 ? 0 : "\ufffd");
      assert.ok(told[0]?.original.includes("\\ud83d"));
    }
  }
});
