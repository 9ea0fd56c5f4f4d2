import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { EventRecord } from "@jichat/protocol/log/record.ts";
import type { LifecycleRow } from "./fold.ts";
import { Folded } from "./fold.ts";
import { addRun, noRows } from "./rows.ts";
import type { TailRecord } from "./run.ts";

const USERS = ["ann", "bob", "cy"];
const user = fc.constantFrom(...USERS);
const step = fc.oneof(
  fc.record({ kind: fc.constantFrom("joined" as const, "left" as const), users: fc.tuple(user) }),
  fc.record({ kind: fc.constant("renamed" as const), name: fc.constantFrom("G", "H") }),
  fc.record({
    kind: fc.constantFrom("pinned" as const, "unpinned" as const),
    target: fc.nat(5).map((n) => n + 1),
  }),
  fc.record({ kind: fc.constant("recalled" as const), target: fc.constant(2) }),
  fc.record({ kind: fc.constant("message" as const) }),
);

/** What a log holds: one record a position. */
const logOf = (steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[]): TailRecord[] =>
  [{ kind: "created" as const, users: USERS, name: "G" }, ...steps].map((what, at) => ({
    position: at + 1,
    record: {
      r: "event",
      conversation: "g_1",
      seq: at + 1,
      no: at,
      from: "ann",
      ts: 1,
      device: "d",
      session: "s",
      ...what,
    } as EventRecord,
  }));

/** Rows as ClickHouse gives them back, each but once, in the order of seq. */
function lifecycleOf(records: readonly TailRecord[]): LifecycleRow[] {
  const rows = noRows();
  addRun(
    rows,
    0,
    records.map(({ record, position }) => ({
      position,
      batch: { v: 1, owner: "o", number: 1, done: 0, ts: 1, records: [record] },
    })),
  );
  return [...rows.lifecycle].map(
    ([line]) =>
      Object.fromEntries(
        (JSON.parse(line) as unknown[]).map((value, column) => [rows.lifecycle.columns[column], value]),
      ) as unknown as LifecycleRow,
  );
}

const seen = ({ members, name, creator, facets }: Folded): object => {
  const who = [...members].map(([id, { first, left }]) => [id, first, left]);
  return { who, name, creator, facets };
};

test("a conversation folds to the same state from rows, from records, and from both with any overlap", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.nat(31), fc.nat(31), (steps, rowsTo, recordsFrom) => {
      const log = logOf(steps);
      const whole = new Folded("g_1");
      whole.records(log);
      const mixed = new Folded("g_1");
      for (const row of lifecycleOf(log.slice(0, rowsTo))) mixed.lifecycle(row);
      mixed.records(log.slice(Math.min(rowsTo, recordsFrom)));
      assert.deepEqual(seen(mixed), seen(whole));
    }),
  );
});

test("a row with an empty replacement leaves the name of the group unchanged", () => {
  const folded = new Folded("g_1");
  const row = { no: 0, sender: "ann", position: 1, extra: "" };
  folded.lifecycle({ ...row, seq: 1, kind: "created", users: USERS, name: "G" });
  folded.lifecycle({ ...row, seq: 2, kind: "renamed", users: [], name: "" });
  assert.equal(folded.name, "G");
});
