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

/** What the backends said when they were last asked. */
export interface BackendsSeen {
  readonly nats: Seen;
  readonly redis: Seen;
  readonly clickhouse: Seen;
  /** Undefined while it is not known. */
  readonly streams: StreamsSeen | undefined;
  /** Whether managed servers let in exactly those that they are to let in; absent while it is not known. */
  readonly users?: UsersSeen;
}

/** `late`: not so yet; `unknown`: one could not be asked. */
export interface UsersSeen {
  readonly state: "taken" | "late" | "unknown";
  readonly message: string;
}

export interface StreamsSeen {
  readonly ok: boolean;
  readonly message: string;
  /** The log that this ChatCluster had is gone, or another one is there. */
  readonly fault?: "LogLost" | "LogReplaced";
  /** What is to be remembered of it. */
  readonly log?: LogMemory;
  /** The cluster's level; absent where it was not told. */
  readonly level?: number;
}

export interface Seen {
  readonly state: "unknown" | "ok" | "unreachable" | "refused";
  readonly message: string;
}

export interface Plan {
  /** To be applied, in this order. */
  readonly objects: readonly KubeObject[];
  /** What was made for an earlier input. */
  readonly removals: readonly KubeObject[];
  /** Why nothing more is applied yet; undefined where nothing is waited for. */
  readonly waitsFor: string | undefined;
}

/** Of these no one is taken away though no input names it: the finalizer knows what to do with data. */
const KEPT_KINDS = new Set(["PersistentVolumeClaim", "Pod", "Event", "Lease"]);

/**
 * What to do now. First what needs nothing; then the backends; then, once they answer and the schema is
 * there, what stands on them. Who runs already goes on whatever the backends say: the gate is for starting.
 */
export function planOf(input: DesiredInput, observed: Observed, backends: BackendsSeen): Plan {
  const groundwork = withVolumes(groundworkOf(input), observed);
  const servers = withVolumes(serversOf(input), observed);
  const migration = migrationOf(input);
  const sleeping = input.cluster.spec.hibernate;
  const runs = observed.ofKind("Deployment", "router").length > 0;
  const waitsFor = runs || sleeping ? undefined : missing(backends);
  if (backends.streams?.fault === "LogLost")
    return { objects: [...groundwork, ...servers], removals: [], waitsFor: "its log, which is gone" };
  const connectors = connectorsOf(input, observed);
  const components = componentsOf(input, connectors.current);
  if (sleeping) {
    // Backends last: what components accepted is flushed into them.
    const awake = ["storage", "router"].flatMap((name) => observed.ofKind<Workload>("Deployment", name));
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

/** What runs, kept, scaled and repaired as of the version that it is of: the new one may never come. */
function heldBack(input: DesiredInput, observed: Observed): readonly KubeObject[] {
  const held = inputHeld(input, observed);
  const { current, older } = connectorsOf(held, observed);
  return [...componentsOf(held, current), ...older];
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
  /** Older revisions, with the replicas they may keep. */
  readonly older: readonly KubeObject[];
  /** Older revisions without a pod left. */
  readonly done: readonly KubeObject[];
}

/**
 * A new revision comes up whole beside the old one; for each of its pods that is ready one old pod drains. So
 * there are never fewer than are wanted, and no device is sent to a pod that is not there yet.
 */
export function connectorsOf(input: DesiredInput, observed: Observed): Connectors {
  const wanted = wantedReplicas(input, "connector");
  const current = connectorRevision(input, wanted);
  const revision = current.metadata.labels?.[LABELS.revision];
  const old = observed
    .ofKind<Workload>("Deployment", "connector")
    .filter(({ metadata }) => metadata.labels?.[LABELS.revision] !== revision)
    .sort((a, b) => readyOf(b) - readyOf(a)); // Whoever serves stays, and not another that never came up.
  const { ready } = countOf(observed.find(current));
  let spare = Math.max(0, wanted - ready);
  const older: KubeObject[] = [];
  const done: KubeObject[] = [];
  for (const [at, deployment] of old.entries()) {
    const has = deployment.spec.replicas ?? 0;
    // While nothing of the new one is ready, the one that serves is scaled as it would be.
    const isServing = at === 0 && ready === 0 && readyOf(deployment) > 0;
    const keep = isServing ? spare : Math.min(has, spare);
    spare -= keep;
    if (keep === 0 && has === 0 && (deployment.status?.replicas ?? 0) === 0) done.push(deployment);
    else older.push(scaled(deployment, keep));
  }
  return { current, older, done };
}

/**
 * An older revision as it was applied, with other replicas: only what is ours, or the apply would take
 * defaults over.
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
