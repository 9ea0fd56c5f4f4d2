import { componentsOf, groundworkOf, migrationOf, serversOf } from "./desired/desired.ts";
import { canaryDeployment } from "./desired/canary.ts";
import type { LogMemory } from "./crd/status.ts";
import { LABELS } from "./desired/names.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import type { Workload } from "./desired/workloads.ts";
import type { KubeObject } from "./kube/object.ts";
import type { Observed } from "./observed.ts";
import { idOf, jobState } from "./observed.ts";
import type { DrainPlan } from "./scale/drains.ts";
import { NO_DRAINS } from "./scale/drains.ts";
import type { Fleet } from "./scale/fleet.ts";
import type { ConnectorsTold } from "./scale/read-fleet.ts";
import { NOTHING_TOLD } from "./scale/read-fleet.ts";
import type { Connectors } from "./scale/revisions.ts";
import { connectorsOf, deploymentOf } from "./scale/revisions.ts";
import type { Rollout, Steering } from "./scale/rollout-state.ts";
import { steeringOf } from "./scale/rollout-state.ts";
import { withRouting } from "./scale/routing.ts";
import type { ShedPlan } from "./scale/sheds.ts";
import { NO_SHEDS } from "./scale/sheds.ts";
import { inputHeld, inputLike } from "./serving.ts";
import { withVolumes } from "./volumes.ts";

/** The last answers of the backends. */
export interface BackendsSeen {
  readonly nats: Seen;
  readonly redis: Seen;
  readonly clickhouse: Seen;
  /** Undefined while it is unknown. */
  readonly streams: StreamsSeen | undefined;
  /** Whether managed servers accept exactly the wanted users; absent while it is unknown. */
  readonly users?: UsersSeen;
}

/** `late`: some server does not have them yet. `unknown`: some server could not be asked. */
export interface UsersSeen {
  readonly state: "taken" | "late" | "unknown";
  readonly message: string;
}

export interface StreamsSeen {
  readonly ok: boolean;
  readonly message: string;
  /** This ChatCluster's log is gone, or another log is in its place. */
  readonly fault?: "LogLost" | "LogReplaced";
  /** The identity of the log, to be remembered. */
  readonly log?: LogMemory;
  /** The cluster's level; absent if it was not reported. */
  readonly level?: number;
}

export interface Seen {
  readonly state: "unknown" | "ok" | "unreachable" | "refused";
  readonly message: string;
}

export interface Plan {
  /** The objects to apply, in this order. */
  readonly objects: readonly KubeObject[];
  /** Objects that were made for an earlier input. */
  readonly removals: readonly KubeObject[];
  /** Why nothing more is applied yet; undefined if nothing is waited for. */
  readonly waitsFor: string | undefined;
  /** What to do with connectors that are to go. */
  readonly drains: DrainPlan;
  /** What to do with connectors that have more than their share. */
  readonly sheds: ShedPlan;
  /** The connectors that the drains rest on; absent while none are to run. */
  readonly fleet?: Fleet;
  /** Where the change of their revision is; absent if nothing is known of one. */
  readonly rollout?: Rollout;
}

interface PlanFacts {
  readonly backends: BackendsSeen;
  readonly told: ConnectorsTold;
  readonly rollout: Rollout | undefined;
}

interface Held {
  readonly steering: Steering;
  readonly connectors: Connectors;
  readonly ground: readonly KubeObject[];
}

/** Kinds that are never removed, even if no input names them. The finalizer handles data. */
const KEPT_KINDS = new Set(["PersistentVolumeClaim", "Pod", "Event", "Lease", "EndpointSlice"]);

/**
 * Decides what to do now. First come objects that need nothing, then the backends. The components follow once
 * the backends answer and the schema is migrated. Running components continue whatever the backends say: the
 * condition is only for starting.
 */
export function planOf(
  input: DesiredInput,
  observed: Observed,
  backends: BackendsSeen,
  { told = NOTHING_TOLD, rollout }: Partial<Omit<PlanFacts, "backends">> = {},
): Plan {
  const plan = planFor(input, observed, { backends, told, rollout });
  return rollout === undefined ? plan : { ...plan, rollout };
}

function planFor(input: DesiredInput, observed: Observed, { backends, told, rollout }: PlanFacts): Plan {
  const groundwork = withRouting(withVolumes(groundworkOf(input), observed), input, observed);
  const servers = withVolumes(serversOf(input), observed);
  const migration = migrationOf(input);
  const sleeping = input.cluster.spec.hibernate;
  const runs = observed.ofKind("Deployment", "router").length > 0;
  const waitsFor = runs || sleeping ? undefined : missing(backends);
  if (backends.streams?.fault === "LogLost")
    return waiting([...groundwork, ...servers], "its log, which is missing");
  const steering = rollout === undefined ? undefined : steeringOf(rollout);
  const connectors = connectorsOf(input, observed, told, steering);
  const components = componentsOf(input, connectors.current).filter(
    (object) => !isEarly(object, observed, backends),
  );
  if (sleeping) {
    // Backends stop last, since components flush accepted data into them.
    const awake = ["storage", "router", "push"].flatMap((name) =>
      observed.ofKind<Workload>("Deployment", name),
    );
    const isQuiet = awake.every((object) => (object.status?.replicas ?? 0) === 0);
    const asleep = runs ? [...components, ...connectors.older] : [];
    return withRemovals(observed, [...groundwork, ...asleep, ...(isQuiet ? servers : [])], connectors, [
      ...servers,
      ...migration,
    ]);
  }
  if (waitsFor !== undefined) return waiting([...groundwork, ...servers], waitsFor);
  if (steering?.holdsVersion === true)
    return whileHeld(input, observed, { steering, connectors, ground: [...groundwork, ...servers] });
  const schema = migration.map((job) => jobState(observed.find(job)));
  if (schema.some((state) => state !== "done")) {
    const ground = [...groundwork, ...servers, ...migration];
    const steered = steering !== undefined && deploymentOf(steering.current, observed) !== undefined;
    const held = runs ? inputHeld(input, observed) : undefined;
    return heldBack(
      held,
      observed,
      ground,
      steered ? () => connectors : (own) => connectorsOf(own, observed, told),
    );
  }
  return withRemovals(
    observed,
    [...groundwork, ...servers, ...migration, ...components, ...connectors.older],
    connectors,
  );
}

const waiting = (objects: readonly KubeObject[], waitsFor: string): Plan => ({
  objects,
  removals: [],
  waitsFor,
  drains: NO_DRAINS,
  sheds: NO_SHEDS,
});

/**
 * Whether a component that was added to a running ChatCluster would start before the backends accept its
 * users: its first pods would fail.
 */
const isEarly = (object: KubeObject, observed: Observed, { users }: BackendsSeen): boolean =>
  object.metadata.labels?.[LABELS.component] === "push" &&
  observed.find(object) === undefined &&
  users?.state !== "taken";

/**
 * The version that served is kept, scaled and repaired while a rollout has not come to the components yet, or
 * has been taken back. Jobs stay, since a schema that was brought up does.
 */
function whileHeld(input: DesiredInput, observed: Observed, { steering, connectors, ground }: Held): Plan {
  const held = inputLike(input, deploymentOf(steering.current, observed));
  const isThere = (object: KubeObject): boolean => observed.find(object) !== undefined;
  const components = componentsOf(held, connectors.current).filter(
    (object) => object.metadata.labels?.[LABELS.component] !== "push" || isThere(object),
  );
  const migration = steering.migrates ? migrationOf(input) : [];
  const canary = steering.wantsCanary ? [canaryDeployment(input)] : [];
  const objects = [...ground, ...migration, ...components, ...connectors.older, ...canary];
  return withRemovals(observed, objects, connectors, observed.ofKind("Job"));
}

/**
 * Keeps, scales and repairs the running version, since the new one may never come. A component that it does
 * not have yet starts with the new version.
 */
function heldBack(
  held: DesiredInput | undefined,
  observed: Observed,
  ground: readonly KubeObject[],
  connectors: (held: DesiredInput) => Connectors,
): Plan {
  const plan = waiting(ground, "the schema of ClickHouse");
  if (held === undefined) return plan;
  const { current, older, drains, sheds, fleet } = connectors(held);
  const components = componentsOf(held, current).filter(
    (object) => object.metadata.labels?.[LABELS.component] !== "push" || observed.find(object) !== undefined,
  );
  return { ...plan, objects: [...ground, ...components, ...older], drains, sheds, fleet };
}

function withRemovals(
  observed: Observed,
  objects: readonly KubeObject[],
  { done, drains, sheds, fleet }: Connectors,
  keep: readonly KubeObject[] = [],
): Plan {
  const wanted = new Set([...objects, ...keep].map(idOf));
  for (const object of done) wanted.delete(idOf(object));
  const removals = [...observed.objects.values()].filter(
    (object) => !KEPT_KINDS.has(object.kind) && !wanted.has(idOf(object)),
  );
  return { objects, removals, waitsFor: undefined, drains, sheds, fleet };
}

const missing = ({ nats, redis, clickhouse, streams }: BackendsSeen): string | undefined => {
  const names = Object.entries({ NATS: nats, Redis: redis, ClickHouse: clickhouse })
    .filter(([, { state }]) => state !== "ok")
    .map(([name]) => name);
  if (names.length > 0) return names.join(", ");
  return streams === undefined ? "the streams" : undefined;
};
