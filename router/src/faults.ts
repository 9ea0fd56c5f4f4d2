import type { Fault, FaultName } from "@jichat/protocol/faults.ts";
import { LEASE_TTL_MS } from "@jichat/protocol/log/streams.ts";
import type { LogStates } from "./log-states.ts";
import type { Owner } from "./owner.ts";

type Told = Pick<Owner, "state" | "appendSince" | "unservedSince" | "stuckMs" | "complaint">;

/** A takeover and an election of NATS both take less than this. */
export const STOPPED_MS = 10_000;
/** The time that a restarted server may take to catch up. */
export const BEHIND_MS = 60_000;

/**
 * The reason why an owner serves nobody after its time is over; `undefined` if there is none. `now` is
 * monotonic.
 */
function whyStopped(owner: Told, now: number): string | undefined {
  const { appendSince = now, unservedSince = now, stuckMs, complaint } = owner;
  if (owner.state === "regressed" || owner.state === "stopped") return undefined;
  if (now - appendSince > STOPPED_MS) return "its log does not answer an append";
  if (now - unservedSince > STOPPED_MS) return complaint === "" ? "its log is still being read" : complaint;
  return stuckMs > LEASE_TTL_MS ? "its loop makes no progress, though requests wait" : undefined;
}

/** One fault per reason, with all its partitions. */
const gathered = (fault: FaultName, whys: ReadonlyMap<number, string>): readonly Fault[] =>
  [...Map.groupBy(whys, ([, why]) => why)].map(([why, of]) => ({
    fault,
    partitions: of.map(([partition]) => partition).sort((a, b) => a - b),
    why,
  }));

/** The faults of the partitions that are owned here. `now` is monotonic, in milliseconds. */
export function faultsOf(
  owners: ReadonlyMap<number, Told>,
  logs: Pick<LogStates, "isFull" | "behindSince">,
  now: number,
): readonly Fault[] {
  const of = (why: (owner: Told, partition: number) => string | undefined): Map<number, string> =>
    new Map(
      [...owners].flatMap(([partition, owner]) => {
        const told = why(owner, partition);
        return told === undefined ? [] : [[partition, told] as const];
      }),
    );
  const regressed = of(({ state, complaint }) => (state === "regressed" ? complaint : undefined));
  const stopped = of((owner) => whyStopped(owner, now));
  const full = of((_, partition) => (logs.isFull(partition) ? "storage lags behind its log" : undefined));
  const behind = of((_, partition) =>
    now - (logs.behindSince(partition) ?? now) > BEHIND_MS
      ? "a nats-server lags behind with its copy of the log"
      : undefined,
  );
  return [
    ...gathered("LogRegressed", regressed),
    ...gathered("PartitionStopped", stopped),
    ...gathered("LogFull", full),
    ...gathered("LogCopyBehind", behind),
  ];
}

/** How many partitions have a fault. */
export const countOf = (faults: readonly Fault[], name: FaultName): number =>
  faults.reduce((sum, { fault, partitions }) => sum + (fault === name ? partitions.length : 0), 0);
