import type { V1EndpointSlice } from "@kubernetes/client-node";
import type { DrainState } from "@jichat/protocol/drain.ts";
import type { DesiredInput } from "../desired/desired-input.ts";
import { LABELS, objectName } from "../desired/names.ts";
import type { Workload } from "../desired/workloads.ts";
import { wantedReplicas } from "../desired/workloads.ts";
import type { KubeObject } from "../kube/object.ts";
import type { Observed } from "../observed.ts";
import { countOf } from "../observed.ts";
import type { Metrics, PodMetrics } from "../pod-metrics.ts";
import type { PodObject } from "../pod-object.ts";
import { isPodReady, readyChangedAt } from "../pod-object.ts";
import { DRAIN_ANNOTATION, readMark } from "./drain-mark.ts";
import type { ConnectorPod, Fleet } from "./fleet.ts";
import { SHED_ANNOTATION, readShedMark } from "./shed-mark.ts";

/** What a connector reported a moment ago; a field that it did not report is absent. */
export interface ConnectorTold {
  readonly connections?: number;
  readonly drain?: DrainState;
  /** Devices that are still to be told to go to others that have room. */
  readonly shedLeft?: number;
  /** All that it told, for whoever judges by another metric. */
  readonly metrics: Metrics;
}

/** What the gauge `jichat_connector_drain` stands for, by its number. */
const DRAIN_STATES: readonly DrainState[] = ["none", "waiting", "draining", "drained"];

/** What a connector's metrics say of its devices and of its drain. An older version says less. */
export function toldBy(metrics: Metrics): ConnectorTold {
  const connections = metrics.sum("jichat_connector_sockets");
  const shedLeft = metrics.sum("jichat_connector_shed_left");
  const drain = DRAIN_STATES[metrics.sum("jichat_connector_drain") ?? Number.NaN];
  return {
    ...(connections === undefined ? {} : { connections }),
    ...(drain === undefined ? {} : { drain }),
    ...(shedLeft === undefined ? {} : { shedLeft }),
    metrics,
  };
}

/** What connectors told, by the name of their pod, and when it was. */
export interface ConnectorsTold {
  /** Time of day, in ms. */
  readonly now: number;
  readonly pods: ReadonlyMap<string, ConnectorTold>;
}

export const NOTHING_TOLD: ConnectorsTold = { now: 0, pods: new Map() };

export const connectorsTold = (now: number, metrics: PodMetrics): ConnectorsTold => ({
  now,
  pods: new Map([...metrics].map(([pod, told]) => [pod, toldBy(told)])),
});

type Slice = KubeObject & Pick<V1EndpointSlice, "endpoints">;

/** The pods that the Service's EndpointSlices have as ready. */
function inService(input: DesiredInput, observed: Observed): ReadonlySet<string> {
  const service = objectName(input.cluster, "connector");
  return new Set(
    observed
      .ofKind<Slice>("EndpointSlice")
      .filter(({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === service)
      // The wire has null for no endpoints.
      .flatMap((slice) => slice.endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap(({ targetRef }) => targetRef?.name ?? []),
  );
}

/** Whether its container runs. One that is started again and again has no devices. */
function isRunning({ status }: PodObject): boolean {
  if (status?.phase !== "Running" || status.podIP === undefined) return false;
  const [container] = status.containerStatuses ?? [];
  return container?.state === undefined || container.state.running !== undefined;
}

/** A pod that has ended holds no place in its Deployment any more. */
const hasEnded = ({ status }: PodObject): boolean =>
  status?.phase === "Succeeded" || status?.phase === "Failed";

/** What a rollout says of them: their revision, and whether others may be told to go, and at once. */
export type FleetSteering = Pick<Fleet, "current" | "drainsOld" | "isUrgent">;

/** The connectors at this moment: what the API server has, and what they told themselves. */
export function fleetOf(
  input: DesiredInput,
  observed: Observed,
  { current, drainsOld, isUrgent }: FleetSteering,
  { now, pods: told }: ConnectorsTold,
): Fleet {
  const ready = inService(input, observed);
  const wanted = wantedReplicas(input, "connector");
  const { deadlineSeconds, maxReconnectsPerSecond } = input.cluster.spec.drain;
  const pods = observed
    .ofKind<PodObject>("Pod", "connector")
    .filter((pod) => !hasEnded(pod))
    .map((pod): ConnectorPod => {
      const { name, labels, annotations, deletionTimestamp } = pod.metadata;
      return {
        name,
        revision: labels?.[LABELS.revision] ?? "",
        node: pod.spec?.nodeName,
        isRunning: isRunning(pod),
        isReady: isPodReady(pod),
        readyChangedAt: readyChangedAt(pod),
        isEnding: deletionTimestamp !== undefined,
        isRouted: labels?.[LABELS.routed] === "true",
        isInService: ready.has(name),
        mark: readMark(annotations?.[DRAIN_ANNOTATION], now),
        connections: told.get(name)?.connections,
        drain: told.get(name)?.drain,
        shed: readShedMark(annotations?.[SHED_ANNOTATION]),
        shedLeft: told.get(name)?.shedLeft,
      };
    });
  const revisions = observed.ofKind<Workload>("Deployment", "connector").map((deployment) => ({
    name: deployment.metadata.labels?.[LABELS.revision] ?? "",
    replicas: deployment.spec.replicas ?? 0,
    counted: deployment.status?.replicas ?? 0,
    isSeen: countOf(deployment).isSeen,
  }));
  return {
    now,
    wanted,
    currentMax: wanted,
    drainsOld,
    isUrgent,
    current,
    pods,
    revisions,
    deadlineMs: 1_000 * deadlineSeconds,
    perSecond: maxReconnectsPerSecond,
  };
}
