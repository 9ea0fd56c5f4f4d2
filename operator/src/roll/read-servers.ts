import type { V1StatefulSet } from "@kubernetes/client-node";
import { hashOf } from "../kube/hash.ts";
import type { KubeObject } from "../kube/object.ts";
import type { Observed } from "../observed.ts";
import type { PodObject } from "../pod-object.ts";
import { isPodReady } from "../pod-object.ts";
import type { ServerPod, Servers } from "./next-server.ts";

type Set = KubeObject & Pick<V1StatefulSet, "spec" | "status">;

/** The label by which a StatefulSet's controller says of which revision a pod is. */
const POD_REVISION = "controller-revision-hash";

const mayRun = ({ status }: PodObject): boolean =>
  (status?.containerStatuses ?? []).some(({ state }) => state?.running !== undefined);

const serverPodOf = (pod: PodObject, revision: string | undefined): ServerPod => ({
  name: pod.metadata.name,
  isOld: pod.metadata.labels?.[POD_REVISION] !== revision,
  isReady: isPodReady(pod),
  isEnding: pod.metadata.deletionTimestamp !== undefined,
  mayRun: mayRun(pod),
});

/** What a restart of a server changes. */
const lifeOf = ({ metadata, status }: PodObject): unknown => [
  metadata.uid,
  status?.containerStatuses?.map(({ restartCount }) => restartCount),
  status?.conditions?.find(({ type }) => type === "Ready")?.lastTransitionTime,
];

/**
 * The managed nats-servers that the operator itself rolls. Undefined if there are none, or if Kubernetes
 * rolls them: a single server, and those of an earlier operator until the strategy is applied.
 */
export function readServers(observed: Observed): Servers | undefined {
  const [set] = observed.ofKind<Set>("StatefulSet", "nats");
  if (set?.spec?.updateStrategy?.type !== "OnDelete") return undefined;
  const { metadata, spec, status } = set;
  const pods = observed
    .ofKind<PodObject>("Pod", "nats")
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  return {
    wanted: spec.replicas ?? 0,
    isSeen:
      status?.updateRevision !== undefined && (status.observedGeneration ?? 0) >= (metadata.generation ?? 0),
    pods: pods.map((pod) => serverPodOf(pod, status?.updateRevision)),
    epoch: hashOf([status?.updateRevision, pods.map(lifeOf)]),
    progress: hashOf([status?.updateRevision, pods.map(({ metadata: { uid } }) => uid)]),
  };
}
