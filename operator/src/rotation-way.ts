import { isDeepStrictEqual } from "node:util";
import type { V1Deployment, V1Pod } from "@kubernetes/client-node";
import type { Way } from "./desired/rotation.ts";
import { rotationRefused } from "./desired/rotation.ts";
import { usedBy } from "./desired/keys.ts";
import type { Component } from "./desired/names.ts";
import { BACKENDS, componentsIn, objectName } from "./desired/names.ts";
import { GENERATION_ANNOTATION } from "./desired/pods.ts";
import { usesKeys } from "./desired/settings.ts";
import { usersPrint } from "./desired/users.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import { ROTATE_ANNOTATION } from "./input-of.ts";
import type { Finding } from "./kube/conditions.ts";
import { no, unknown, yes } from "./kube/conditions.ts";
import type { KubeObject } from "./kube/object.ts";
import type { Observed } from "./observed.ts";
import { countOf } from "./observed.ts";
import type { BackendsSeen } from "./plan.ts";

type Deployment = KubeObject & Pick<V1Deployment, "spec" | "status">;
type Pod = KubeObject & Pick<V1Pod, "status">;

const isOver = ({ status }: Pod): boolean => status?.phase === "Succeeded" || status?.phase === "Failed";
const isEmpty = ({ spec, status }: Deployment): boolean =>
  (spec?.replicas ?? 0) === 0 && (status?.replicas ?? 0) === 0;

/** The parts of a component that are not of their wanted generation yet, or not complete. */
function lateIn(input: DesiredInput, observed: Observed, component: Component): readonly string[] {
  const wanted = String(usedBy(input.keys, component).generation);
  const isOf = ({ metadata }: Pick<KubeObject, "metadata">): boolean =>
    metadata.annotations?.[GENERATION_ANNOTATION] === wanted;
  const isLate = (deployment: Deployment): boolean => {
    if (isEmpty(deployment)) return false;
    const template = deployment.spec?.template as Pick<KubeObject, "metadata"> | undefined;
    return template === undefined || !isOf(template) || !countOf(deployment).isSettled;
  };
  const deployments = observed.ofKind<Deployment>("Deployment", component);
  const isMissing = !input.cluster.spec.hibernate && deployments.length === 0;
  const late = [
    ...observed.ofKind<Pod>("Pod", component).filter((pod) => !isOver(pod) && !isOf(pod)),
    ...deployments.filter(isLate),
  ];
  return [...late.map(({ metadata }) => metadata.name), ...(isMissing ? [component] : [])];
}

/** Everything that is not of its wanted generation yet. A running Job was made with the earlier one. */
const lateOf = (input: DesiredInput, observed: Observed): readonly string[] => [
  ...observed
    .ofKind<Pod>("Pod", "migrate")
    .filter((pod) => !isOver(pod))
    .map(({ metadata }) => metadata.name),
  ...componentsIn(input.cluster)
    .filter((component) => usesKeys(input, component))
    .flatMap((component) => lateIn(input, observed, component)),
];

/** The progress that a rotation waits for. */
export const wayOf = (input: DesiredInput, observed: Observed, { users }: BackendsSeen): Way => ({
  isTaken: users?.state === "taken",
  isInPods: lateOf(input, observed).length === 0,
});

/**
 * Pods of managed servers that still need their new users. The kubelet refreshes files when a pod changes,
 * otherwise only every minute or two. A pod is returned only once the Secret is seen to hold the users.
 */
export function waitingServers(
  input: DesiredInput,
  observed: Observed,
  wanted: readonly KubeObject[],
): readonly { readonly pod: KubeObject; readonly patch: object }[] {
  return BACKENDS.flatMap((backend) => {
    const name = objectName(input.cluster, backend);
    const secret = wanted.find(({ kind, metadata }) => kind === "Secret" && metadata.name === name);
    const seen = secret === undefined ? undefined : observed.find(secret);
    if (seen === undefined || !isDeepStrictEqual(dataOf(seen), dataOf(secret))) return [];
    const print = usersPrint(input, backend);
    return observed
      .ofKind<Pod>("Pod", backend)
      .filter((pod) => !isOver(pod) && pod.metadata.annotations?.[USERS_ANNOTATION] !== print)
      .map((pod) => ({ pod, patch: { metadata: { annotations: { [USERS_ANNOTATION]: print } } } }));
  });
}

/** An annotation on a managed server's pod: the users that its kubelet was last asked to deliver. */
const USERS_ANNOTATION = "chat.jichat.io/users";
const dataOf = (secret: object | undefined): unknown =>
  secret === undefined || !("data" in secret) ? undefined : secret.data;

const SHOWN = 3;
const few = (all: readonly string[]): string =>
  all.length <= SHOWN ? all.join(", ") : `${all.slice(0, SHOWN).join(", ")} and ${all.length - SHOWN} more`;

/** Whether the credentials of the last requested rotation are in use, and no earlier ones. */
export function rotated(input: DesiredInput, observed: Observed, { users }: BackendsSeen): Finding {
  const { keys, cluster } = input;
  const asked = cluster.metadata.annotations?.[ROTATE_ANNOTATION] ?? "";
  if (keys.coming?.stage === "offered")
    return no("BackendsAreTold", users === undefined ? "the backends are being asked" : users.message);
  if (keys.coming !== undefined || keys.leaving !== undefined)
    return no("PodsAreReplaced", `waits for ${few(lateOf(input, observed))}`);
  if (keys.rotation !== asked && !cluster.spec.paused) {
    const refused = rotationRefused(keys);
    if (refused !== undefined) return no("TooManyKeys", refused);
  }
  if (users === undefined) return unknown("NotAskedYet", "the backends have not been asked yet");
  // The reason is left out: a time-out reads differently at each look, and the status would be written for
  // ever.
  if (users.state === "unknown")
    return unknown(
      "NotAnswered",
      "not all servers have reported which users they accept: see BackendsReachable",
    );
  if (users.state === "late") return no("BackendsAreTold", users.message);
  return yes("InUse", `generation ${keys.generation} of keys and credentials is in use, and no other`);
}
