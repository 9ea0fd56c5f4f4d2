import type { V1ContainerStatus, V1StatefulSet } from "@kubernetes/client-node";
import { COMPONENTS, LABELS } from "./desired/names.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import type { Workload } from "./desired/workloads.ts";
import type { KubeObject } from "./kube/object.ts";
import type { Observed } from "./observed.ts";
import type { PodObject } from "./pod-object.ts";
import { isPodReady } from "./pod-object.ts";

type Servers = KubeObject & Pick<V1StatefulSet, "spec" | "status">;
interface Image {
  readonly registry: string;
  readonly version: string;
}

/** Parses REGISTRY/COMPONENT:VERSION; undefined if the image is not one of ours. */
function imageIn(text: string | undefined): Image | undefined {
  const [, registry, version] = /^(.+)\/[^/:]+:([^/:@]+)$/.exec(text ?? "") ?? [];
  return registry === undefined || version === undefined ? undefined : { registry, version };
}

const isReady = (pod: PodObject): boolean => pod.metadata.deletionTimestamp === undefined && isPodReady(pod);

const isComponent = ({ metadata }: KubeObject): boolean =>
  (COMPONENTS as readonly (string | undefined)[]).includes(metadata.labels?.[LABELS.component]);

/**
 * The version that serves people. It is the wanted version once every ready pod has it, and until then the
 * other version that most ready pods have. While no pod is ready, it is the version that was last reported.
 */
export function versionServing(
  { cluster, version: wanted }: DesiredInput,
  observed: Observed,
): string | undefined {
  const counts = new Map<string, number>();
  for (const pod of observed.ofKind<PodObject>("Pod")) {
    if (!isComponent(pod) || !isReady(pod)) continue;
    const version = imageIn(pod.spec?.containers[0]?.image)?.version;
    if (version !== undefined) counts.set(version, (counts.get(version) ?? 0) + 1);
  }
  const isThere = counts.delete(wanted);
  const [other] = [...counts].sort(([, a], [, b]) => b - a);
  return other?.[0] ?? (isThere ? wanted : cluster.status?.version);
}

/**
 * The same input with the running images. Components are kept, scaled and repaired with these while the
 * schema of the wanted version is missing. Their Deployments name the images, since none was made from the
 * new version yet.
 */
export function inputHeld(input: DesiredInput, observed: Observed): DesiredInput {
  const running = ["router", "storage", "api"]
    .flatMap((name) => observed.ofKind<Workload>("Deployment", name))
    .map(imageOfWorkload)
    .find((image) => image !== undefined);
  return withImage(input, running);
}

const imageOfWorkload = ({ spec }: Workload): Image | undefined =>
  imageIn(spec.template.spec.containers[0]?.image);

/** The version that a Deployment's image names; empty if it is not one of ours. */
export const versionIn = (deployment: Workload): string => imageOfWorkload(deployment)?.version ?? "";

/** The same input with the images of that Deployment. */
export const inputLike = (input: DesiredInput, deployment: Workload | undefined): DesiredInput =>
  withImage(input, deployment === undefined ? undefined : imageOfWorkload(deployment));

function withImage(input: DesiredInput, running: Image | undefined): DesiredInput {
  if (running === undefined) return input;
  const { cluster } = input;
  const { spec } = cluster;
  const image = { ...spec.image, registry: running.registry };
  return { ...input, version: running.version, cluster: { ...cluster, spec: { ...spec, image } } };
}

export interface PullFailure {
  readonly pod: string;
  readonly image: string;
  readonly message: string;
}

export const CANNOT_PULL: ReadonlySet<string> = new Set([
  "ErrImagePull",
  "ImagePullBackOff",
  "InvalidImageName",
  "ErrImageNeverPull",
  "RegistryUnavailable",
  "ImageInspectError",
]);

/** The images that a pod waits for and cannot get. */
function pullsOf({ metadata, status, spec }: PodObject): readonly PullFailure[] {
  const all: readonly V1ContainerStatus[] = [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
  ];
  return all.flatMap(({ name, image: told, state }) => {
    const { reason = "" } = state?.waiting ?? {};
    if (!CANNOT_PULL.has(reason)) return [];
    const image = spec?.containers.find((one) => one.name === name)?.image ?? told;
    // The kubelet alternates between these two reasons, so the status would be written for ever.
    return [{ pod: metadata.name, image, message: reason === "ErrImagePull" ? "ImagePullBackOff" : reason }];
  });
}

/** Pods that wait for an image that cannot be pulled. */
export const pullFailures = (observed: Observed): readonly PullFailure[] =>
  observed.ofKind<PodObject>("Pod").flatMap(pullsOf);

/**
 * Servers that wait for an image that is not wanted any more. A StatefulSet waits until they are ready before
 * it replaces them, which never happens (kubernetes#67250), so they have to be deleted.
 */
export const stuckServers = (observed: Observed): readonly KubeObject[] =>
  observed.ofKind<Servers>("StatefulSet").flatMap(({ metadata: { name }, status }) =>
    observed.ofKind<PodObject>("Pod").filter((pod) => {
      const revision = pod.metadata.labels?.["controller-revision-hash"];
      return (
        pod.metadata.name.replace(/-\d+$/, "") === name &&
        status?.updateRevision !== undefined &&
        revision !== undefined &&
        revision !== status.updateRevision &&
        pullsOf(pod).length > 0
      );
    }),
  );

/**
 * Says that managed nats-servers are missing, while those that are left have a quorum: people talk, and one
 * more loss may end that. Undefined while a change of the servers rolls out, which restarts one at a time.
 */
export function atQuorum(observed: Observed): string | undefined {
  for (const { spec, status } of observed.ofKind<Servers>("StatefulSet", "nats")) {
    const wanted = spec?.replicas ?? 0;
    const ready = status?.readyReplicas ?? 0;
    const isRolling = status?.currentRevision !== status?.updateRevision;
    if (!isRolling && ready < wanted && 2 * ready > wanted)
      return `${ready} of ${wanted} nats-servers are ready: a quorum, so people talk; find out why the others are not`;
  }
  return undefined;
}

const SHOWN = 3;
/** The message for people. It names three pods at most. */
export const tellPulls = (pulls: readonly PullFailure[]): string =>
  [
    ...pulls.slice(0, SHOWN).map(({ pod, image, message }) => `pod ${pod} cannot pull ${image}: ${message}`),
    ...(pulls.length > SHOWN ? [`and ${pulls.length - SHOWN} more`] : []),
  ].join("; ");
