import assert from "node:assert/strict";
import { test } from "node:test";
import type { QueuedMessage, QueuedReport } from "@jichat/protocol/bus/push.ts";
import type { BodyText } from "@jichat/protocol/frame/body.ts";
import type { HeadBrief, HeadEntry, ListEntry } from "@jichat/protocol/bus/query.ts";
import type { ListsOf } from "./reports.ts";
import { Reports } from "./reports.ts";
import { registrationOf } from "../test/fakes.ts";

const SINCE = 1_000;
const report: QueuedReport = { is: "report", user: "ann", device: "phone", since: SINCE };
const scope = { partition: 0, signal: new AbortController().signal, closing: new AbortController().signal };

const headOf = (conversation: string, more: Partial<HeadEntry> = {}): HeadEntry => ({
  conversation,
  position: 9,
  seq: 9,
  no: 8,
  ts: SINCE + 1,
  kind: "group",
  name: "Team",
  last: {
    conversation,
    seq: 9,
    no: 8,
    kind: "message",
    from: "bob",
    ts: SINCE + 1,
    body: JSON.stringify({ text: "hello" }) as BodyText,
    mentions: ["ann"],
  },
  ...more,
});
const entryOf = (conversation: string, more: Partial<ListEntry> = {}): ListEntry => ({
  conversation,
  position: 1,
  first: 1,
  mark: 5,
  markNo: 4,
  ...more,
});

interface World {
  readonly reports: Reports;
  readonly added: QueuedMessage[];
  readonly counts: string[];
}

interface WorldOptions {
  readonly whole?: readonly HeadEntry[];
  /** Attempts to add an entry that fail. */
  readonly fails?: number;
  /** Lists that are read before all owners have reported. */
  readonly early?: number;
  /** Devices that are registered. Default: the one that was lost. */
  readonly devices?: readonly string[];
  readonly complete?: boolean;
}

function worldOf(
  list: readonly (readonly [ListEntry, HeadEntry | HeadBrief])[],
  more: WorldOptions = {},
): World {
  const added: QueuedMessage[] = [];
  const counts: string[] = [];
  let fails = more.fails ?? 0;
  let early = more.early ?? 0;
  const known = (): number => {
    early -= 1;
    return early >= 0 ? 3 : 16;
  };
  const lists: ListsOf = {
    list: async () => ({
      run: "r",
      done: new Map(Array.from({ length: known() }, (_, partition) => [partition, 1])),
      complete: more.complete ?? true,
      entries: list.map(([entry]) => entry),
      heads: list.map(([, head]) => head),
    }),
    heads: async (asked) => asked.map((id) => more.whole?.find(({ conversation }) => conversation === id)),
  };
  const reports = new Reports({
    clock: { sleep: async () => undefined },
    lists,
    queue: {
      add: async (_partition, message) => {
        fails -= 1;
        if (fails >= 0) throw new Error("NATS is down");
        added.push(message);
      },
    },
    registrations: {
      of: async () => (more.devices ?? ["phone"]).map((device) => registrationOf("ann", device)),
    },
    partitions: 16,
    metrics: { countSkipped: (reason: string) => counts.push(reason) } as never,
    log: { warn: () => undefined, error: () => undefined },
  });
  return { reports, added, counts };
}

test("each conversation with something unread since then has one entry, for this device", async () => {
  const { reports, added } = worldOf([[entryOf("g"), headOf("g")]]);
  await reports.take(report, scope);
  assert.deepEqual(added, [
    {
      is: "message",
      conversation: "g",
      seq: 9,
      no: 8,
      from: "bob",
      ts: SINCE + 1,
      mentions: ["ann"],
      preview: "hello",
      name: "Team",
      members: 0,
      to: ["ann"],
      device: "phone",
    },
  ]);
});

test("what is older, read, left or one's own has none", async () => {
  const last = headOf("x").last;
  assert.ok(last !== undefined);
  const { reports, added } = worldOf([
    [entryOf("old"), headOf("old", { ts: SINCE })],
    [entryOf("read", { mark: 9, markNo: 8 }), headOf("read")],
    [entryOf("left", { left: 3 }), headOf("left")],
    [entryOf("own"), headOf("own", { last: { ...last, from: "ann" } })],
    [entryOf("empty"), headOf("empty", { last: undefined })],
    [entryOf("no message since the mark", { mark: 8, markNo: 8 }), headOf("no message since the mark")],
  ]);
  await reports.take(report, scope);
  assert.deepEqual(added, []);
});

test("heads of a long list are read whole; the newest hundred count", async () => {
  const ids = Array.from({ length: 150 }, (_, i) => `c${i}`);
  const list = ids.map(
    (id, i) => [entryOf(id), { conversation: id, position: 9, ts: SINCE + 1 + i }] as const,
  );
  const { reports, added } = worldOf(list, { whole: ids.map((id) => headOf(id)) });
  await reports.take(report, scope);
  assert.deepEqual(added.map(({ conversation }) => conversation).sort(), ids.slice(50).sort());
});

test("a failure is tried again; who has no device for pushes is told nothing", async () => {
  const { reports, added } = worldOf([[entryOf("g"), headOf("g")]], { fails: 2, early: 2 });
  await reports.take(report, scope);
  assert.equal(added.length, 1);
  const none = worldOf([[entryOf("g"), headOf("g")]], { devices: [] });
  await none.reports.take(report, scope);
  assert.deepEqual([none.added, none.counts], [[], ["unregistered"]]);
  const lost = worldOf([], { complete: false });
  await lost.reports.take(report, scope);
  assert.deepEqual(lost.counts, ["unknown"]);
});

test("what a tab has lost is told to its browser, and what a laptop has lost to the phone beside it", async () => {
  const { reports, added, counts } = worldOf([[entryOf("g"), headOf("g")]], { devices: ["push-1", "phone"] });
  await reports.take({ ...report, device: "web-1" }, scope);
  assert.deepEqual([added.map(({ conversation, to }) => [conversation, to]), counts], [[["g", ["ann"]]], []]);
});

test("a report ends with its partition's lease", async () => {
  const ended = new AbortController();
  ended.abort(new Error("the lease is lost"));
  const { reports } = worldOf([[entryOf("g"), headOf("g")]], { fails: Number.POSITIVE_INFINITY });
  await assert.rejects(reports.take(report, { ...scope, signal: ended.signal }), /the lease is lost/);
});
