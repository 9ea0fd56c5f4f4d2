import { componentsOf, groundworkOf, migrationOf, serversOf } from "./desired/desired.ts";
import type { LogMemory } from "./crd/status.ts";
import { LABELS } from "./desired/names.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import { connectorRevision, wantedReplicas } from "./desired/workloads.ts";
import type { Workload } from "./desired/workloads.ts";
import type { KubeObject } from "./kube/object.ts";
import type { Observed } from "./observed.ts";
import { countOf, idOf, jobState } from "./observed.ts";
import { inputHeld } from "./serving.ts";
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
}

/** Kinds that are never removed, even if no input names them. The finalizer handles data. */
const KEPT_KINDS = new Set(["PersistentVolumeClaim", "Pod", "Event", "Lease"]);

/**
 * Decides what to do now. First come objects that need nothing, then the backends. The components follow once
 * the backends answer and the schema is migrated. Running components continue whatever the backends say: the
 * condition is only for starting.
 */
export function planOf(input: DesiredInput, observed: Observed, backends: BackendsSeen): Plan {
  const groundwork = withVolumes(groundworkOf(input), observed);
  const servers = withVolumes(serversOf(input), observed);
  const migration = migrationOf(input);
  const sleeping = input.cluster.spec.hibernate;
  const runs = observed.ofKind("Deployment", "router").length > 0;
  const waitsFor = runs || sleeping ? undefined : missing(backends);
  if (backends.streams?.fault === "LogLost")
    return { objects: [...groundwork, ...servers], removals: [], waitsFor: "its log, which is missing" };
  const connectors = connectorsOf(input, observed);
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
    return withRemovals(observed, [...groundwork, ...asleep, ...(isQuiet ? servers : [])], connectors.done, [
      ...servers,
      ...migration,
    ]);
  }
  if (waitsFor !== undefined) return { objects: [...groundwork, ...servers], removals: [], waitsFor };
  const schema = migration.map((job) => jobState(observed.find(job)));
  if (schema.some((state) => state !== "done")) {
    const held = runs ? heldBack(input, observed) : [];
    const objects = [...groundwork, ...servers, ...migration, ...held];
    return { objects, removals: [], waitsFor: "the schema of ClickHouse" };
  }
  return withRemovals(
    observed,
    [...groundwork, ...servers, ...migration, ...components, ...connectors.older],
    connectors.done,
  );
}

/**
 * Whether a component that was added to a running ChatCluster would start before the backends accept its
 * users: its first pods would fail.
 */
const isEarly = (object: KubeObject, observed: Observed, { users }: BackendsSeen): boolean =>
  object.metadata.labels?.[LABELS.component] === "push" &&
  observed.find(object) === undefined &&
  users?.state !== "taken";

/**
 * Keeps, scales and repairs the running version, since the new one may never come. A component that it does
 * not have yet starts with the new version.
 */
function heldBack(input: DesiredInput, observed: Observed): readonly KubeObject[] {
  const held = inputHeld(input, observed);
  const { current, older } = connectorsOf(held, observed);
  const components = componentsOf(held, current).filter(
    (object) => object.metadata.labels?.[LABELS.component] !== "push" || observed.find(object) !== undefined,
  );
  return [...components, ...older];
}

function withRemovals(
  observed: Observed,
  objects: readonly KubeObject[],
  done: readonly KubeObject[],
  keep: readonly KubeObject[] = [],
): Plan {
  const wanted = new Set([...objects, ...keep].map(idOf));
  for (const object of done) wanted.delete(idOf(object));
  const removals = [...observed.objects.values()].filter(
    (object) => !KEPT_KINDS.has(object.kind) && !wanted.has(idOf(object)),
  );
  return { objects, removals, waitsFor: undefined };
}

const missing = ({ nats, redis, clickhouse, streams }: BackendsSeen): string | undefined => {
  const names = Object.entries({ NATS: nats, Redis: redis, ClickHouse: clickhouse })
    .filter(([, { state }]) => state !== "ok")
    .map(([name]) => name);
  if (names.length > 0) return names.join(", ");
  return streams === undefined ? "the streams" : undefined;
};

const readyOf = ({ status }: Workload): number => status?.readyReplicas ?? 0;

interface Connectors {
  readonly current: KubeObject;
  /** Older revisions, with the replicas that they may keep. */
  readonly older: readonly KubeObject[];
  /** Older revisions that have no pod left. */
  readonly done: readonly KubeObject[];
}

/**
 * A new revision starts completely beside the old one. For each new pod that is ready, one old pod drains. So
 * there are never fewer pods than wanted, and no device is sent to a pod that is not there yet.
 */
export function connectorsOf(input: DesiredInput, observed: Observed): Connectors {
  const wanted = wantedReplicas(input, "connector");
  const current = connectorRevision(input, wanted);
  const revision = current.metadata.labels?.[LABELS.revision];
  const old = observed
    .ofKind<Workload>("Deployment", "connector")
    .filter(({ metadata }) => metadata.labels?.[LABELS.revision] !== revision)
    // A revision that serves is kept rather than one that never became ready.
    .sort((a, b) => readyOf(b) - readyOf(a));
  const { ready } = countOf(observed.find(current));
  let spare = Math.max(0, wanted - ready);
  const older: KubeObject[] = [];
  const done: KubeObject[] = [];
  for (const [at, deployment] of old.entries()) {
    const has = deployment.spec.replicas ?? 0;
    // While no pod of the new revision is ready, the serving revision is scaled to what it needs.
    const isServing = at === 0 && ready === 0 && readyOf(deployment) > 0;
    const keep = isServing ? spare : Math.min(has, spare);
    spare -= keep;
    if (keep === 0 && has === 0 && (deployment.status?.replicas ?? 0) === 0) done.push(deployment);
    else older.push(scaled(deployment, keep));
  }
  return { current, older, done };
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
