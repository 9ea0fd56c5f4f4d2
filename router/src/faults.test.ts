import assert from "node:assert/strict";
import { test } from "node:test";
import { LEASE_TTL_MS } from "@jichat/protocol/log/streams.ts";
import { BEHIND_MS, STOPPED_MS, countOf, faultsOf } from "./faults.ts";

type Told = Parameters<typeof faultsOf>[0] extends ReadonlyMap<number, infer T> ? T : never;

const NOW = 1_000_000;
const well: Told = {
  state: "serving",
  appendSince: undefined,
  unservedSince: undefined,
  stuckMs: 0,
  complaint: "",
};
const logs = { isFull: () => false, behindSince: () => undefined };
const of = (...owners: readonly Told[]): ReturnType<typeof faultsOf> =>
  faultsOf(new Map(owners.entries()), logs, NOW);

test("an owner has no fault while it serves, nor while it replays for no longer than a takeover may take", () => {
  const reading: Told = { ...well, state: "replaying", unservedSince: NOW - STOPPED_MS };
  const appending: Told = { ...well, appendSince: NOW - STOPPED_MS };
  assert.deepEqual(of(well, reading, appending, { ...well, stuckMs: LEASE_TTL_MS }), []);
});

test("an owner that serves nobody for longer is reported as stopped, each reason once with its partitions", () => {
  const since = NOW - STOPPED_MS - 1;
  const refused: Told = { ...well, unservedSince: since, complaint: "the log refuses an append: no rights" };
  const faults = of(
    { ...well, state: "replaying", unservedSince: since },
    well,
    refused,
    refused,
    { ...well, appendSince: since },
    { ...well, stuckMs: LEASE_TTL_MS + 1 },
    { ...well, state: "stopped", unservedSince: since },
  );
  assert.deepEqual(
    faults.map(({ fault, partitions, why }) => [fault, partitions, why]),
    [
      ["PartitionStopped", [0], "its log is still being read"],
      ["PartitionStopped", [2, 3], "the log refuses an append: no rights"],
      ["PartitionStopped", [4], "its log does not answer an append"],
      ["PartitionStopped", [5], "its loop makes no progress, though requests wait"],
    ],
  );
  assert.equal(countOf(faults, "PartitionStopped"), 5);
  assert.equal(countOf(faults, "LogFull"), 0);
});

test("a regressed log is reported as LogRegressed and never also as stopped", () => {
  const regressed: Told = { ...well, state: "regressed", unservedSince: 0, complaint: "ends at 3, 9 was" };
  assert.deepEqual(of(regressed), [{ fault: "LogRegressed", partitions: [0], why: "ends at 3, 9 was" }]);
});

test("a full log is reported at once, and a copy that lags behind after a minute", () => {
  const owners = new Map([1, 2, 3].map((partition) => [partition, well]));
  const behindSince = (partition: number): number => NOW - BEHIND_MS - (partition === 3 ? 1 : 0);
  const faults = faultsOf(owners, { isFull: (partition) => partition === 2, behindSince }, NOW);
  assert.deepEqual(
    faults.map(({ fault, partitions }) => [fault, partitions]),
    [
      ["LogFull", [2]],
      ["LogCopyBehind", [3]],
    ],
  );
});
