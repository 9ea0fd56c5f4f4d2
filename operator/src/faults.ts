import type { Fault, FaultName } from "@jichat/protocol/faults.ts";
import { namesOf } from "@jichat/protocol/bus/names.ts";
import type { ChatCluster } from "./crd/definition.ts";
import { clusterNameOf } from "./desired/names.ts";
import type { Finding } from "./kube/conditions.ts";
import { yes } from "./kube/conditions.ts";
import { namedPartitions } from "./named-partitions.ts";

/**
 * With these faults, people of the named partitions cannot talk. The other faults concern history, copies and push.
 */
const STOPPING: ReadonlySet<FaultName> = new Set(["LogRegressed", "PartitionStopped", "LogFull"]);
/** The order in which faults are reported. */
const ORDER: readonly FaultName[] = [
  "LogRegressed",
  "PartitionStopped",
  "LogFull",
  "HistoryStuck",
  "LogUnheard",
  "LogCopyBehind",
  "PushCredentialsRefused",
];
/** Faults of a whole component. All others name the partitions that have them. */
const WHOLE: ReadonlySet<FaultName> = new Set(["PushCredentialsRefused"]);
const WHYS_MAX = 2;

const CURES: Readonly<Record<FaultName, (cluster: ChatCluster, partition: number) => string>> = {
  LogRegressed: (_, partition) =>
    `put the newer NATS store back, or give up what is gone: storage generation --partition ${partition} (docs/operations.md, LogRegressed)`,
  PartitionStopped: (cluster, partition) =>
    `look at nats stream info ${namesOf(clusterNameOf(cluster)).logStream(partition)} and at the routers' log`,
  LogFull: () =>
    "let storage catch up: look at ClickHouse and at storage's log; room is given by retention.logBytesPerPartition",
  HistoryStuck: () => "look at ClickHouse: disk, memory, rights; nothing is lost while the log has room",
  LogUnheard: (cluster, partition) =>
    `look at nats stream info ${namesOf(clusterNameOf(cluster)).logStream(partition)}, at ClickHouse and at storage's log`,
  LogCopyBehind: () =>
    "look at that server's disk, make room, then restart it (docs/operations.md, A copy of a log is behind)",
  PushCredentialsRefused: () =>
    "correct the Secret that spec.push names, or the field beside it; workers take it over by themselves (docs/push-operations.md)",
};

/** Merges the faults of several pods into one of each kind, worst first. */
export function mergedFaults(faults: readonly Fault[]): readonly Fault[] {
  return ORDER.flatMap((name) => {
    const of = faults.filter(
      ({ fault, partitions }) => fault === name && (WHOLE.has(name) || partitions.length > 0),
    );
    if (of.length === 0) return [];
    const whys = [...new Set(of.map(({ why }) => why))].sort();
    const more = whys.length > WHYS_MAX ? ` and ${whys.length - WHYS_MAX} more reasons` : "";
    return [
      {
        fault: name,
        partitions: [...new Set(of.flatMap(({ partitions }) => partitions))].sort((a, b) => a - b),
        why: `${whys.slice(0, WHYS_MAX).join("; ")}${more}`,
      },
    ];
  });
}

function tell(cluster: ChatCluster, { fault, partitions, why }: Fault): string {
  const where = WHOLE.has(fault) ? "" : `${namedPartitions(partitions)}: `;
  return `${fault}: ${where}${why}; ${CURES[fault](cluster, partitions[0] ?? 0)}`;
}

/** The finding: its reason is the worst fault, and its message has all. Undefined if there is no fault. */
export function faultFinding(
  cluster: ChatCluster,
  faults: readonly Fault[],
  which: "all" | "stopping" = "all",
): Finding | undefined {
  const told = faults.filter(({ fault }) => which === "all" || STOPPING.has(fault));
  const [worst] = told;
  if (worst === undefined) return undefined;
  return yes(worst.fault, told.map((fault) => tell(cluster, fault)).join("; "));
}

const SILENT_MAX = 3;

/** The message about pods that do not report their faults. An unknown state does not count as healthy. */
export function tellSilent(pods: readonly string[]): string {
  const more = pods.length > SILENT_MAX ? ` and ${pods.length - SILENT_MAX} more` : "";
  return `${pods.slice(0, SILENT_MAX).join(", ")}${more} do not report the faults of their partitions: check that the operator may reach their admin port, and that their version reports faults`;
}
