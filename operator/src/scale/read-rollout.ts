import { componentsIn } from "../desired/names.ts";
import { imageOf } from "../desired/pods.ts";
import { migrationJob } from "../desired/workloads.ts";
import type { Workload } from "../desired/workloads.ts";
import type { DesiredInput } from "../desired/desired-input.ts";
import type { Observed } from "../observed.ts";
import { countOf, jobState } from "../observed.ts";
import type { BackendsSeen } from "../plan.ts";
import { pullFailures, tellPulls, versionIn } from "../serving.ts";
import type { ConnectorPod, Fleet } from "./fleet.ts";
import type { Blocked } from "./gates.ts";
import { revisionOf } from "./revisions.ts";
import type { RevisionSeen, RolloutFacts } from "./rollout.ts";
import type { Target } from "./rollout-state.ts";
import { waitOf } from "./settled.ts";
import { skewRefused } from "./version-skew.ts";

/** On a ChatCluster: the revision that a person lets go on, and the one that a person takes back. */
export const PROMOTE_ANNOTATION = "chat.jichat.io/promote";
export const ROLLBACK_ANNOTATION = "chat.jichat.io/rollback";

/** The facts that the objects of one pass hold; the rest comes from elsewhere. */
export type RolloutRead = Omit<RolloutFacts, "canary" | "gates" | "hasSlot">;

function revisionsOf(observed: Observed, { pods }: Fleet): readonly RevisionSeen[] {
  return observed.ofKind<Workload>("Deployment", "connector").map((deployment) => {
    const revision = revisionOf(deployment);
    const own = pods.filter((pod) => pod.revision === revision);
    const { spec, status } = deployment;
    return {
      version: versionIn(deployment),
      revision,
      ready: own.filter(({ isReady, isEnding }) => isReady && !isEnding).length,
      // Pods and their number are seen at different times: the higher one counts. A pod that ends may stay
      // for hours on a node that is lost.
      pods: Math.max(
        own.filter(({ isEnding, connections = 0 }) => !isEnding || connections > 0).length,
        spec.replicas ?? 0,
        status?.replicas ?? 0,
      ),
    };
  });
}

/** Whether its devices were told to go, and still have time for it. */
const isOnItsWay = ({ mark }: ConnectorPod, now: number): boolean =>
  mark?.deadline !== undefined && mark.to === undefined && now <= mark.deadline;

/** The other components that do not run the wanted images completely. */
function unsettledIn(input: DesiredInput, observed: Observed): readonly string[] {
  return componentsIn(input.cluster)
    .filter((name) => name !== "connector")
    .flatMap((name) => {
      const [deployment] = observed.ofKind<Workload>("Deployment", name);
      const { ready, wanted, isSettled } = countOf(deployment);
      const image = deployment?.spec.template.spec.containers[0]?.image;
      return isSettled && image === imageOf(input, name) ? [] : [`${name} ${ready}/${wanted}`];
    });
}

/** What is in the way before anything begins. A backend that is not known to answer is. */
function objectionsTo(
  from: Target,
  to: Target,
  { nats, redis, clickhouse }: BackendsSeen,
): readonly Blocked[] {
  const skew = skewRefused(from.version, to.version);
  const backends = Object.entries({ NATS: nats, Redis: redis, ClickHouse: clickhouse })
    .filter(([, { state }]) => state !== "ok")
    .map(([name, { message }]) => `${name}: ${message === "" ? "it has not been asked yet" : message}`);
  return [
    ...(skew === undefined ? [] : [{ gate: "VersionSkew", message: skew }]),
    ...(backends.length === 0 ? [] : [{ gate: "Backends", message: backends.join("; ") }]),
  ];
}

/** Kubernetes cuts a name here before it adds five letters to it. */
const GENERATED_FROM_MAX = 58;

/** How far the schema's Job is. A pod of a Job has its name and five letters more. */
function schemaOf(input: DesiredInput, observed: Observed): Pick<RolloutFacts, "schema" | "unpulled"> {
  const job = migrationJob(input);
  if (job === undefined) return { schema: "done" };
  const schema = jobState(observed.find(job));
  const base = `${job.metadata.name}-`.slice(0, GENERATED_FROM_MAX);
  const failures = pullFailures(observed).filter(({ pod }) => pod.startsWith(base));
  return failures.length === 0 ? { schema } : { schema, unpulled: tellPulls(failures) };
}

/** What a pass sees of a rollout. `fleet` has the revision that the spec asks for as the current one. */
export function readRollout(
  input: DesiredInput,
  observed: Observed,
  fleet: Fleet,
  backends: BackendsSeen,
): RolloutRead {
  const { cluster, version } = input;
  const { mode, progressDeadlineSeconds, soakSeconds } = cluster.spec.rollout;
  const { annotations = {} } = cluster.metadata;
  const to = { version, revision: fleet.current };
  const promote = annotations[PROMOTE_ANNOTATION];
  const rollback = annotations[ROLLBACK_ANNOTATION];
  const [drainWaitsFor] = fleet.pods.flatMap((pod) => waitOf(pod, fleet) ?? []);
  return {
    now: fleet.now,
    to,
    revisions: revisionsOf(observed, fleet),
    wanted: fleet.wanted,
    rules: {
      mode,
      progressDeadlineMs: 1_000 * progressDeadlineSeconds,
      soakMs: 1_000 * soakSeconds,
    },
    isAsleep: cluster.spec.hibernate,
    isPaused: cluster.spec.paused,
    isDraining: fleet.pods.some((pod) => pod.revision !== fleet.current && isOnItsWay(pod, fleet.now)),
    ...(drainWaitsFor === undefined ? {} : { drainWaitsFor }),
    objections: (from) => objectionsTo(from, to, backends),
    ...schemaOf(input, observed),
    unsettled: unsettledIn(input, observed),
    ...(promote === undefined ? {} : { promote }),
    ...(rollback === undefined ? {} : { rollback }),
  };
}
