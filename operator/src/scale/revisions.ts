import type { DesiredInput } from "../desired/desired-input.ts";
import { LABELS } from "../desired/names.ts";
import type { Workload } from "../desired/workloads.ts";
import { connectorRevision, wantedReplicas } from "../desired/workloads.ts";
import type { KubeObject } from "../kube/object.ts";
import type { Observed } from "../observed.ts";
import type { DrainPlan } from "./drains.ts";
import { NO_DRAINS, drainsOf } from "./drains.ts";
import type { Fleet } from "./fleet.ts";
import type { ConnectorsTold } from "./read-fleet.ts";
import type { FleetSteering } from "./read-fleet.ts";
import { fleetOf } from "./read-fleet.ts";
import type { Steering } from "./rollout-state.ts";
import { steeringOf } from "./rollout-state.ts";
import { askedOf } from "./rebalance.ts";
import type { ShedPlan } from "./sheds.ts";
import { NO_SHEDS, shedsOf } from "./sheds.ts";

export interface Connectors {
  readonly current: KubeObject;
  /** Older revisions, with the replicas that they may keep. */
  readonly older: readonly KubeObject[];
  /** Older revisions that have no pod left. */
  readonly done: readonly KubeObject[];
  readonly fleet: Fleet;
  readonly drains: DrainPlan;
  readonly sheds: ShedPlan;
}

export const revisionOf = ({ metadata }: KubeObject): string => metadata.labels?.[LABELS.revision] ?? "";

/** The revision that the spec asks for. */
export const wantedRevision = (input: DesiredInput): string => revisionOf(connectorRevision(input, 0));

/** The revision that connectors are to be of at present: while a rollout holds, it is the one that served. */
export function presentRevision(input: DesiredInput): string {
  const { rollout } = input.cluster.status ?? {};
  return rollout === undefined ? wantedRevision(input) : steeringOf(rollout).current;
}

/** The connectors' Deployments of other revisions than this one. */
export const otherRevisions = (current: string, observed: Observed): readonly Workload[] =>
  observed
    .ofKind<Workload>("Deployment", "connector")
    .filter((deployment) => revisionOf(deployment) !== current);

/** The Deployment of a revision, as it is. */
export const deploymentOf = (revision: string, observed: Observed): Workload | undefined =>
  observed
    .ofKind<Workload>("Deployment", "connector")
    .find((deployment) => revisionOf(deployment) === revision);

const isGone = ({ spec, status }: Workload): boolean =>
  (spec.replicas ?? 0) === 0 && (status?.replicas ?? 0) === 0;

/**
 * The Deployment of each revision of connectors, with the replicas that it has meanwhile, and what to do with
 * the pods that are to go. While the ChatCluster falls asleep, no pod has a successor: all end at once.
 */
export function connectorsOf(
  input: DesiredInput,
  observed: Observed,
  told: ConnectorsTold,
  steering?: FleetSteering & Pick<Steering, "keeps">,
): Connectors {
  const wanted = wantedRevision(input);
  const { keeps, ...steers } = steering ?? { current: wanted, drainsOld: true, isUrgent: false };
  const name = steers.current;
  const fleet = fleetOf(input, observed, steers, told);
  const isAsleep = input.cluster.spec.hibernate;
  const drains = isAsleep ? NO_DRAINS : drainsOf(fleet);
  const replicas = drains.replicas.get(name) ?? wantedReplicas(input, "connector");
  const older = otherRevisions(name, observed);
  const isDone = (deployment: Workload): boolean => isGone(deployment) && revisionOf(deployment) !== keeps;
  const own = name === wanted ? undefined : deploymentOf(name, observed);
  return {
    current: own === undefined ? connectorRevision(input, replicas) : scaled(own, replicas),
    older: older
      .filter((deployment) => !isDone(deployment))
      .map((deployment) => scaled(deployment, drains.replicas.get(revisionOf(deployment)) ?? 0)),
    done: older.filter(isDone),
    fleet,
    drains,
    sheds: isAsleep ? NO_SHEDS : shedsOf(fleet, askedOf(input.cluster)),
  };
}

/**
 * An older revision as it was applied, with other replicas. It has only our own fields, since the apply would
 * otherwise take over defaults.
 */
export function scaled(deployment: Workload, replicas: number): KubeObject {
  const { apiVersion, kind, metadata, spec } = deployment;
  const { name, namespace, labels, ownerReferences } = metadata;
  const { selector, template, strategy, revisionHistoryLimit } = spec;
  return {
    apiVersion,
    kind,
    metadata: { name, namespace, labels, ownerReferences },
    spec: { replicas, selector, template, strategy, revisionHistoryLimit },
  } as KubeObject;
}
