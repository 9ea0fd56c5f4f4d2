import { HEADROOM } from "../crd/autoscaling.ts";
import type { ChatClusterStatus, ScaledTold } from "../crd/status.ts";
import type { DesiredInput } from "../desired/desired-input.ts";
import type { Observed } from "../observed.ts";
import { countOf } from "../observed.ts";
import type { Metrics, PodMetrics } from "../pod-metrics.ts";
import type { PodObject } from "../pod-object.ts";
import type { Load, ScaleDecision, ScaleSpec } from "./autoscaler.ts";
import { boundedOf, scaleOf } from "./autoscaler.ts";
import { connectorsTold, fleetOf } from "./read-fleet.ts";
import { presentRevision } from "./revisions.ts";
import { memoryOf, scaledTold } from "./scale-status.ts";
import { isShedding } from "./sheds.ts";

export type AutoscalerTold = NonNullable<ChatClusterStatus["autoscaler"]>;

/** What is known of a ChatCluster at this moment. */
export interface ScaleSeen {
  readonly observed: Observed;
  readonly metrics: PodMetrics;
  /** Time of day, in ms. */
  readonly now: number;
}

interface Running {
  readonly loads: readonly Load[];
  readonly isMoving: boolean;
}

const known = (values: Readonly<Record<keyof Load, number | undefined>> | object): Load =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Load;

const times = (factor: number, value: number | undefined): number | undefined =>
  value === undefined ? undefined : factor * value;

const loadOfConnector = (metrics: Metrics | undefined): Load =>
  known({
    connections: metrics?.sum("jichat_connector_sockets"),
    messages: metrics?.sum("jichat_connector_messages_per_second"),
    lag: times(1_000, metrics?.sum("jichat_event_loop_lag_seconds")),
  });

const loadOfRouter = (metrics: Metrics | undefined): Load =>
  known({
    cpu: times(1_000, metrics?.sum("jichat_cpu_cores")),
    inbox: metrics?.sum("jichat_router_inbox_mean"),
  });

function connectorsRunning(input: DesiredInput, { observed, metrics, now }: ScaleSeen): Running {
  const current = presentRevision(input);
  const { pods } = fleetOf(
    input,
    observed,
    { current, drainsOld: true, isUrgent: false },
    connectorsTold(now, metrics),
  );
  return {
    loads: pods
      .filter(({ isRunning, isEnding }) => isRunning && !isEnding)
      .map(({ name }) => loadOfConnector(metrics.get(name))),
    // A pod that ends may stay for hours on a node that is lost.
    isMoving: pods.some((pod) =>
      pod.isEnding
        ? (pod.connections ?? 0) > 0
        : pod.mark !== undefined || pod.revision !== current || isShedding(pod, now),
    ),
  };
}

function routersRunning({ observed, metrics }: ScaleSeen): Running {
  const pods = observed.ofKind<PodObject>("Pod", "router");
  const [deployment] = observed.ofKind("Deployment", "router");
  return {
    loads: pods
      .filter(
        ({ status, metadata }) => status?.phase === "Running" && metadata.deletionTimestamp === undefined,
      )
      .map(({ metadata }) => loadOfRouter(metrics.get(metadata.name))),
    isMoving: !countOf(deployment).isSettled,
  };
}

const boundsOf = (autoscaling: {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly stabilizationWindowSeconds: number;
  readonly pauseScaleIn: boolean;
  readonly pauseScaleOut: boolean;
}) => ({
  minReplicas: autoscaling.minReplicas,
  maxReplicas: autoscaling.maxReplicas,
  stabilisationMs: 1_000 * autoscaling.stabilizationWindowSeconds,
  pauseScaleIn: autoscaling.pauseScaleIn,
  pauseScaleOut: autoscaling.pauseScaleOut,
});

function connectorSpec({ cluster }: DesiredInput): ScaleSpec | undefined {
  const { autoscaling, maxConnectionsPerPod } = cluster.spec.connectors;
  if (autoscaling === undefined) return undefined;
  const usual = Math.floor((maxConnectionsPerPod * HEADROOM.usual) / 100);
  return {
    ...boundsOf(autoscaling),
    perPod: known({
      connections: autoscaling.connectionsPerPod ?? usual,
      messages: autoscaling.messagesPerSecondPerPod,
      lag: autoscaling.eventLoopLagMs,
    }),
    pod: "connector",
    moving: "devices are moving from one connector to another",
  };
}

function routerSpec({ cluster }: DesiredInput): ScaleSpec | undefined {
  const { autoscaling } = cluster.spec.routers;
  if (autoscaling === undefined) return undefined;
  return {
    ...boundsOf(autoscaling),
    perPod: known({ cpu: autoscaling.cpuMillicoresPerPod, inbox: autoscaling.inboxPerPod }),
    pod: "router",
    moving: "partitions are moving from one router to another",
  };
}

/** Time in which nothing was decided shows nothing about how many were enough. */
function unstabilised(own: ScaledTold | undefined): ScaledTold | undefined {
  if (own === undefined) return undefined;
  const { fewerSince: _, fewerNeeded: __, ...rest } = own;
  return rest;
}

/** How many connectors and routers are wanted now, of those whose number the spec leaves to load. */
export function autoscalerOf(input: DesiredInput, seen: ScaleSeen): AutoscalerTold | undefined {
  const { connectors, routers, hibernate, paused } = input.cluster.spec;
  const before = input.cluster.status?.autoscaler ?? {};
  const isStill = hibernate || paused; // Nothing is decided that nobody carries out.
  const tell = (
    spec: ScaleSpec | undefined,
    own: ScaledTold | undefined,
    decide: (spec: ScaleSpec) => ScaleDecision,
  ): ScaledTold | undefined => {
    if (spec === undefined) return undefined;
    return isStill ? unstabilised(own) : scaledTold(decide(spec), own, seen.now);
  };
  const decide = (replicas: number, own: ScaledTold | undefined, running: Running) => (spec: ScaleSpec) =>
    scaleOf({ now: seen.now, spec, present: own?.desired ?? replicas, before: memoryOf(own), ...running });
  const ofConnectors = tell(connectorSpec(input), before.connectors, (spec) =>
    connectors.autoscaling?.mode === "External"
      ? boundedOf(spec, connectors.replicas)
      : decide(connectors.replicas, before.connectors, connectorsRunning(input, seen))(spec),
  );
  const ofRouters = tell(routerSpec(input), before.routers, (spec) =>
    decide(routers.replicas, before.routers, routersRunning(seen))(spec),
  );
  if (ofConnectors === undefined && ofRouters === undefined) return undefined;
  return {
    ...(ofConnectors === undefined ? {} : { connectors: ofConnectors }),
    ...(ofRouters === undefined ? {} : { routers: ofRouters }),
  };
}

/** The input with the numbers that were decided. */
export const withScale = (input: DesiredInput, told: AutoscalerTold | undefined): DesiredInput => ({
  ...input,
  scaled: {
    ...(told?.connectors === undefined ? {} : { connector: told.connectors.desired }),
    ...(told?.routers === undefined ? {} : { router: told.routers.desired }),
  },
});
