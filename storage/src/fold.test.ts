import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { EventRecord, SettingRecord } from "@jichat/protocol/log/record.ts";
import type { LifecycleRow, SettingRow } from "./fold.ts";
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
  fc.record({ setting: user, muted: fc.constantFrom(undefined, {}, { until: 9 }) }),
);

/** What a log holds: one record a position. Settings have no seq of their own. */
function logOf(steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[]): TailRecord[] {
  let seq = 0;
  return [{ kind: "created" as const, users: USERS, name: "G" }, ...steps].map((what, at) => {
    const about = { conversation: "g_1", ts: 1 };
    if ("setting" in what) {
      const { setting, muted } = what;
      const settings = muted === undefined ? undefined : { muted };
      const record: SettingRecord = { r: "setting", ...about, id: `${at}`, user: setting, seq, settings };
      return { position: at + 1, record };
    }
    seq += 1;
    const event = { r: "event", ...about, seq, no: seq - 1, from: "ann", device: "d", session: "s", ...what };
    return { position: at + 1, record: event as EventRecord };
  });
}

/** Rows as ClickHouse gives them back: of the lifecycle in the order of seq, of settings the latest. */
function rowsOf(records: readonly TailRecord[]): { lifecycle: LifecycleRow[]; settings: SettingRow[] } {
  const rows = noRows();
  addRun(
    rows,
    0,
    records.map(({ record, position }) => ({
      position,
      batch: { v: 1, owner: "o", number: 1, done: 0, ts: 1, records: [record] },
    })),
  );
  const parsed = (table: "lifecycle" | "settings"): object[] =>
    Array.from(rows[table], ([line]) =>
      Object.fromEntries(
        (JSON.parse(line) as unknown[]).map((value, column) => [rows[table].columns[column], value]),
      ),
    );
  return {
    lifecycle: parsed("lifecycle") as LifecycleRow[],
    settings: parsed("settings") as SettingRow[],
  };
}

const seen = ({ members, name, creator, facets }: Folded): object => {
  const who = [...members].map(([id, { first, left, settings }]) => [id, first, left, settings]);
  return { who, name, creator, facets };
};

test("a conversation folds to the same state from rows, from records, and from both with any overlap", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.nat(31), fc.nat(31), (steps, rowsTo, recordsFrom) => {
      const log = logOf(steps);
      const whole = new Folded("g_1");
      whole.records(log);
      const mixed = new Folded("g_1");
      const { lifecycle, settings } = rowsOf(log.slice(0, rowsTo));
      for (const row of lifecycle) mixed.lifecycle(row);
      for (const row of settings) mixed.setting(row);
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

test("settings count from any order of rows, in the membership that they were made in, and for nobody else", () => {
  const joined = { kind: "joined", sender: "ann", users: ["bob"], name: "", extra: "" };
  const before = { user: "bob", seq: 4, position: 40, value: '{"muted":{}}' };
  const now = { user: "bob", seq: 9, position: 90, value: '{"muted":{"until":7}}' };
  const rows = [before, now];
  for (const [first, second] of [rows, rows.toReversed()]) {
    const folded = new Folded("g_1");
    folded.lifecycle({ ...joined, seq: 1, no: 0, position: 1 });
    folded.setting(first ?? assert.fail());
    folded.lifecycle({ ...joined, kind: "left", seq: 5, no: 0, position: 50 });
    assert.equal(folded.members.get("bob")?.settings, undefined);
    folded.lifecycle({ ...joined, seq: 6, no: 0, position: 60 });
    folded.setting(second ?? assert.fail());
    assert.deepEqual(folded.members.get("bob"), {
      first: 6,
      mark: 6,
      markNo: 0,
      position: 90,
      settings: { muted: { until: 7 }, at: 90 },
    });
    assert.deepEqual(folded.membersPage("", 9).members, [
      { user: "bob", first: 6, mark: 6, markNo: 0, settings: { muted: { until: 7 }, at: 90 } },
    ]);
    folded.setting({ ...now, position: 91, value: "" });
    assert.deepEqual(folded.members.get("bob")?.settings, { at: 91 });
  }
});

test("a run has one row of settings for each user and conversation, the latest, and the id of each write", () => {
  const rows = noRows();
  const about = { r: "setting", conversation: "g_1", user: "ann", seq: 3, ts: 1 } as const;
  const records: SettingRecord[] = [
    { ...about, id: "1", settings: { muted: {} } },
    { ...about, id: "2", settings: { muted: { until: 9 } } },
    { ...about, id: "3" },
  ];
  const batch = { v: 1, owner: "o", number: 1, done: 0, ts: 1 } as const;
  addRun(rows, 0, [{ position: 8, batch: { ...batch, records } }]);
  assert.deepEqual(
    Array.from(rows.settings, ([line]) => line),
    ['["g_1","ann",3,"",8]'],
  );
  assert.deepEqual(
    Array.from(rows.ids, ([line]) => line),
    ["1", "2", "3"].map((id) => `["g_1","ann","${id}",3,1]`),
  );
  assert.equal(rows.events.count + rows.heads.count + rows.marks.count, 0);
});
