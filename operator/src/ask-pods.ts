import type { Fault } from "@jichat/protocol/faults.ts";
import { readFaults } from "@jichat/protocol/faults.ts";
import { readPartitions } from "@jichat/protocol/owned-partitions.ts";
import { readSaidLevel } from "@jichat/protocol/level.ts";
import { askAll, said } from "./admin-port.ts";
import type { Component } from "./desired/names.ts";
import { COMPONENTS, PORTS } from "./desired/names.ts";
import { originOf } from "./desired/urls.ts";
import { mergedFaults } from "./faults.ts";
import type { Observed } from "./observed.ts";
import type { PodMetrics } from "./pod-metrics.ts";
import type { PodObject } from "./pod-object.ts";
import { isPodReady } from "./pod-object.ts";

/** What the pods report. A number is undefined if a ready pod does not report it, or if no pod does. */
export interface Live {
  /** Open sockets of all connectors. */
  readonly connections: number | undefined;
  /** The number of partitions that routers serve. */
  readonly partitionsServed: number | undefined;
  /** The partitions that routers own; undefined if a ready router does not report its own. */
  readonly partitionsOwned: readonly number[] | undefined;
  /** The faults that routers, storage and push workers report to people, one of each kind. */
  readonly faults: readonly Fault[];
  /**
   * Ready routers, storage and push pods that do not report their faults: the state of their partitions, or
   * of their providers, is unknown.
   */
  readonly silent: readonly string[];
  /** The newest level that each pod knows, by pod. Pods that do not report a level are missing here. */
  readonly levels: ReadonlyMap<string, number>;
}

const urlOf = (ip: string, path: string, port: number): string => `${originOf("http", ip, port)}${path}`;

/** The decoded answer of a pod; undefined if there is none, or if it cannot be decoded. */
async function read<T>(
  ip: string,
  path: string,
  port: number,
  decode: (text: string) => T,
): Promise<T | undefined> {
  const text = await said(urlOf(ip, path, port));
  try {
    return text === undefined ? undefined : decode(text);
  } catch {
    return undefined; // The pod is of another version. The caller counts it as silent.
  }
}

/** The faults that a pod reports to people. Undefined means unknown, not "none". */
export const faultsOf = async (ip: string, port = PORTS.admin): Promise<readonly Fault[] | undefined> =>
  read(ip, "/faults", port, readFaults);

const ownedBy = async (ip: string): Promise<readonly number[] | undefined> =>
  read(ip, "/partitions", PORTS.admin, readPartitions);

interface Running {
  readonly name: string;
  readonly ip: string;
  /** The kubelet's last probe of its admin port succeeded. */
  readonly isReady: boolean;
}

const running = (observed: Observed, component: Component): readonly Running[] =>
  observed.ofKind<PodObject>("Pod", component).flatMap(({ metadata, status }) => {
    if (status?.phase !== "Running" || status.podIP === undefined) return [];
    const isReady = metadata.deletionTimestamp === undefined && isPodReady({ status });
    return [{ name: metadata.name, ip: status.podIP, isReady }];
  });

/** What each pod told. */
const toldBy = async <T>(
  pods: readonly Running[],
  ask: (ip: string) => Promise<T | undefined>,
): Promise<readonly { readonly pod: Running; readonly told: T | undefined }[]> =>
  askAll(pods, async (pod) => ({ pod, told: await ask(pod.ip) }));

/** The sum of a gauge over a component's pods; undefined if a ready pod does not report it. */
function sumOf(pods: readonly Running[], metrics: PodMetrics, gauge: string): number | undefined {
  const all = pods.map((pod) => ({ pod, told: metrics.get(pod.name)?.sum(gauge) }));
  const counts = all.flatMap(({ told }) => told ?? []);
  if (all.some(({ pod, told }) => told === undefined && pod.isReady)) return undefined;
  if (pods.length > 0 && counts.length === 0) return undefined;
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The newest level that a pod knows; undefined if it does not report one. */
const levelOf = async (ip: string, port = PORTS.admin): Promise<number | undefined> =>
  read(ip, "/level", port, (text) => readSaidLevel(text).known);

/** What a pass wants to know of pods. */
export interface Asks {
  /** Levels are asked for only if this is true, since usually the level is already the newest. */
  readonly levels: boolean;
  /** What connectors and routers told in this pass. */
  readonly metrics: PodMetrics;
}

/** Asks every running pod of a ChatCluster for what its metrics do not say. */
export async function askPods(observed: Observed, asks: Asks): Promise<Live> {
  const [connectors, routers] = [running(observed, "connector"), running(observed, "router")];
  const reporting = [...routers, ...running(observed, "storage"), ...running(observed, "push")];
  const levelled = asks.levels ? COMPONENTS.flatMap((component) => running(observed, component)) : [];
  const [faults, owned, levels] = await Promise.all([
    toldBy(reporting, async (ip) => faultsOf(ip)),
    toldBy(routers, ownedBy),
    toldBy(levelled, async (ip) => levelOf(ip)),
  ]);
  const isKnown =
    owned.some(({ told }) => told !== undefined) &&
    owned.every(({ pod, told }) => told !== undefined || !pod.isReady);
  return {
    connections: sumOf(connectors, asks.metrics, "jichat_connector_sockets"),
    partitionsServed: sumOf(routers, asks.metrics, "jichat_router_partitions"),
    partitionsOwned: isKnown ? owned.flatMap(({ told }) => told ?? []) : undefined,
    faults: mergedFaults(faults.flatMap(({ told }) => told ?? [])),
    silent: faults.flatMap(({ pod, told }) => (told === undefined && pod.isReady ? [pod.name] : [])),
    levels: new Map(levels.flatMap(({ pod, told }) => (told === undefined ? [] : [[pod.name, told]]))),
  };
}
