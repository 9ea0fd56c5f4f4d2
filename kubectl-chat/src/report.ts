import { pushLines, pushWorkOf } from "./push-report.ts";
import type { RolloutTold } from "./rollout.ts";
import { rolloutLines } from "./rollout.ts";

/** The answers of the API server and of pods, from which alone `status` makes its report. */
export interface Told {
  readonly name: string;
  readonly namespace: string;
  readonly spec: { readonly paused?: boolean; readonly hibernate?: boolean; readonly partitions?: number };
  readonly status: {
    readonly version?: string;
    readonly keeper?: string;
    readonly conditions?: readonly Condition[];
    readonly drains?: readonly DrainTold[];
    readonly rollout?: RolloutTold;
    readonly autoscaler?: { readonly connectors?: ScaledTold; readonly routers?: ScaledTold };
    readonly endpoints?: { readonly ws: readonly string[]; readonly api: readonly string[] };
  };
  readonly pods: readonly PodTold[];
}

interface DrainTold {
  readonly pod: string;
  readonly why: string;
  readonly phase: string;
  readonly deadline?: string;
  readonly connections?: number;
  readonly waitsFor?: string;
}

interface ScaledTold {
  readonly desired: number;
  readonly reason: string;
  readonly message: string;
  readonly since: string;
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

export interface PodTold {
  readonly name: string;
  readonly component: string;
  readonly state: string;
  readonly restarts: number;
  /** Undefined if the pod did not answer. */
  readonly metrics: string | undefined;
  readonly partitions: readonly number[] | undefined;
}

/** The value of a gauge in Prometheus' text format. */
export function gaugeOf(metrics: string | undefined, name: string): number | undefined {
  const found = new RegExp(`^${name}(?:\\{[^}]*\\})? ([0-9.e+]+)`, "m").exec(metrics ?? "");
  return found === null ? undefined : Number(found[1]);
}

/** Columns as wide as their widest cell. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** Ranges such as `0-3, 7, 9-10`: people compare ranges, not lists. */
export function ranges(numbers: readonly number[]): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const parts: [number, number][] = [];
  for (const number of sorted) {
    const last = parts.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else parts.push([number, number]);
  }
  return parts.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(", ");
}

const shown = (value: number | undefined): string => (value === undefined ? "?" : String(value));

function workOf({ component, metrics, partitions }: PodTold): string {
  const owned = partitions === undefined ? "?" : partitions.length === 0 ? "none" : ranges(partitions);
  switch (component) {
    case "connector":
    case "canary":
      return `${shown(gaugeOf(metrics, "jichat_connector_sockets"))} connections`;
    case "router":
      return `owns ${owned}`;
    case "storage":
      return `owns ${owned}; ${shown(gaugeOf(metrics, "jichat_storage_lag_batches"))} batches behind`;
    case "push":
      return pushWorkOf(metrics);
    default:
      return "";
  }
}

/** Partitions that no router, or more than one, claims to own. */
function ownership({ spec, pods }: Told): string[] {
  const routers = pods.filter(({ component }) => component === "router");
  if (routers.length === 0 || routers.some(({ partitions }) => partitions === undefined)) return [];
  const owned = new Set(routers.flatMap(({ partitions }) => partitions ?? []));
  const all = Array.from({ length: spec.partitions ?? 0 }, (_, partition) => partition);
  const orphans = all.filter((partition) => !owned.has(partition));
  return orphans.length === 0 ? [] : [`Partitions without an owner: ${ranges(orphans)}`];
}

const WHYS: Readonly<Record<string, string>> = {
  ScaleIn: "fewer are wanted",
  OldRevision: "a newer revision has taken over",
  Asked: "it was asked for",
};

/** The connectors that are to go, one a line. */
const drainLines = (drains: readonly DrainTold[]): string[] =>
  drains.map(({ pod, why, phase, deadline, connections, waitsFor }) => {
    const left = `${shown(connections)} connections left`;
    const until = deadline === undefined ? "" : ` until ${deadline}`;
    const waits = waitsFor === undefined ? "" : `; waits for ${waitsFor}`;
    return `${pod} ${phase.toLowerCase()}, since ${WHYS[why] ?? why}: ${left}${until}${waits}`;
  });

/** How many pods load asks for, and why, one component a line. */
const scaleLines = ({ autoscaler = {} }: Told["status"]): string[] =>
  (["connectors", "routers"] as const).flatMap((component) => {
    const told = autoscaler[component];
    if (told === undefined) return [];
    const { desired, reason, message, since } = told;
    return [`Autoscaler wants ${desired} ${component}, since ${since}: ${reason}: ${message}`];
  });

/** What `kubectl chat status` prints. */
export function report(told: Told): string {
  const { name, namespace, spec, status, pods } = told;
  const conditions = status.conditions ?? [];
  const ready = conditions.find(({ type }) => type === "Ready");
  const notes = [
    ...(spec.paused === true ? ["paused: nothing is changed until `kubectl chat resume`"] : []),
    ...(status.keeper === undefined ? [] : [`kept by operator ${status.keeper}`]),
    ...(spec.hibernate === true ? ["hibernates: no pods, data stays"] : []),
  ];
  return [
    `ChatCluster ${namespace}/${name}, version ${status.version ?? "?"}: ${ready?.status === "True" ? "Ready" : `not ready (${ready?.message ?? "no status yet: does the operator run?"})`}`,
    ...notes.map((note) => `  ${note}`),
    "",
    ...table([
      ["CONDITION", "STATUS", "REASON", "MESSAGE"],
      ...conditions.map(({ type, status: is, reason, message }) => [type, is, reason, message]),
    ]),
    "",
    ...table([
      ["POD", "COMPONENT", "STATE", "RESTARTS", "WORK"],
      ...pods.map((pod) => [pod.name, pod.component, pod.state, String(pod.restarts), workOf(pod)]),
    ]),
    "",
    ...rolloutLines(name, status.rollout),
    ...scaleLines(status),
    ...drainLines(status.drains ?? []),
    ...ownership(told),
    ...pushLines(pods.filter(({ component }) => component === "push").map(({ metrics }) => metrics)),
    ...(status.endpoints === undefined
      ? []
      : [
          `Devices connect to ${status.endpoints.ws.join(" or ")}`,
          `REST and the page: ${status.endpoints.api.join(" or ")}`,
        ]),
    "",
  ].join("\n");
}
