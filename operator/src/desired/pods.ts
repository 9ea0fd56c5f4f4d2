import { hashOf } from "../kube/hash.ts";
import type { V1Container, V1PodSpec, V1SecurityContext, V1Toleration } from "@kubernetes/client-node";
import type { ChatClusterSpec } from "../crd/spec.ts";
import type { Role } from "./names.ts";
import { labelsOf, objectName } from "./names.ts";
import { affinityOf, mountsOf, spreadOf, templateOf, variablesOf, volumesOf } from "./template.ts";
import type { DesiredInput } from "./desired-input.ts";

/** The hash of the pod's config and secrets. A new hash rolls the pods. */
const CONFIG_ANNOTATION = "chat.jichat.io/config";
/** The generation of keys and credentials that a pod was made with. */
export const GENERATION_ANNOTATION = "chat.jichat.io/generation";
/** A user id that no image defines and that owns no file. */
const USER = 65_532;
const IDS = { runAsUser: USER, runAsGroup: USER, fsGroup: USER };
/** Seconds until a pod on a lost node is replaced. Kubernetes's default is five minutes. */
const LOST_NODE_SECONDS = 15;

export type ContainerInput = Omit<V1Container, "securityContext">;

export interface PodTemplate {
  readonly metadata: {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: V1PodSpec;
}

export interface PodInput {
  readonly role: Role;
  readonly containers: readonly ContainerInput[];
  readonly volumes?: V1PodSpec["volumes"];
  readonly graceSeconds: number;
  readonly restartPolicy?: "Never";
  /** The values that containers read at their start and that the template does not show. */
  readonly config: unknown;
  /** Set for pods that use keys or credentials which a rotation changes. */
  readonly generation?: number | undefined;
}

/** The rules of the `restricted` Pod Security Standard, and a read-only root filesystem. */
export const CONTAINER_SECURITY: V1SecurityContext = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
};

export const imageOf = ({ cluster: { spec }, version }: DesiredInput, component: string): string =>
  `${spec.image.registry}/${component}:${version}`;

const LOST_NODE_TAINTS = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] as const;

/** Whether a toleration of a template matches an eviction from a lost node, by Kubernetes's rules. */
const isForTaint =
  (taint: string) =>
  ({ key, effect, operator = "Equal", value = "" }: V1Toleration): boolean =>
    ((key ?? "") === "" || key === taint) &&
    ((effect ?? "") === "" || effect === "NoExecute") &&
    (operator === "Exists" || ((key ?? "") !== "" && value === ""));

/**
 * Tolerations that let a pod leave a lost node soon. Where the template tolerates such a node, only its word
 * counts: of several matching tolerations Kubernetes takes the shortest.
 */
const lostNodeTolerations = (theirs: readonly V1Toleration[]): readonly V1Toleration[] =>
  LOST_NODE_TAINTS.filter((taint) => !theirs.some(isForTaint(taint))).map((key) => ({
    key,
    operator: "Exists",
    effect: "NoExecute",
    tolerationSeconds: LOST_NODE_SECONDS,
  }));

/** The template of every pod: restricted, spread, and without rights at the API server. */
export function podTemplate(input: DesiredInput, pod: PodInput): PodTemplate {
  const { cluster } = input;
  const { role } = pod;
  const template = templateOf(input, role);
  const { pullSecrets } = cluster.spec.image;
  return {
    metadata: {
      labels: { ...template.labels, ...labelsOf(cluster, role) },
      annotations: {
        ...template.annotations,
        [CONFIG_ANNOTATION]: hashOf(pod.config),
        ...(pod.generation === undefined ? {} : { [GENERATION_ANNOTATION]: String(pod.generation) }),
      },
    },
    spec: {
      serviceAccountName: objectName(cluster, role),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: pod.graceSeconds,
      restartPolicy: pod.restartPolicy ?? "Always",
      securityContext: {
        ...(input.operator.podUsers === "assigned" ? {} : IDS),
        fsGroupChangePolicy: "OnRootMismatch",
        ...template.securityContext,
      },
      containers: pod.containers.map((container) => ({
        ...container,
        env: variablesOf(container.env ?? [], template),
        volumeMounts: mountsOf(container.volumeMounts ?? [], template),
        securityContext: CONTAINER_SECURITY,
      })),
      affinity: affinityOf(input, role, template),
      topologySpreadConstraints: spreadOf(input, role, template),
      tolerations: [...(template.tolerations ?? []), ...lostNodeTolerations(template.tolerations ?? [])],
      volumes: volumesOf(pod.volumes ?? [], template),
      ...(pullSecrets === undefined ? {} : { imagePullSecrets: [...pullSecrets] }),
      ...(template.nodeSelector === undefined ? {} : { nodeSelector: template.nodeSelector }),
      ...(template.priorityClassName === undefined ? {} : { priorityClassName: template.priorityClassName }),
    },
  };
}

type Resources = ChatClusterSpec["routers"]["resources"];
const texts = (quantities: Readonly<Record<string, string | number>>): Record<string, string> =>
  Object.fromEntries(Object.entries(quantities).map(([name, value]) => [name, String(value)]));

/** The resources of the spec, or small requests that fit on any node. */
export const resourcesOf = (asked: Resources, requests: Readonly<Record<string, string>>) => ({
  requests: texts(asked?.requests ?? requests),
  ...(asked?.limits === undefined ? {} : { limits: texts(asked.limits) }),
});

/**
 * A probe fails after `failureThreshold` consecutive failures, `periodSeconds` apart. Each takes 2 s at most.
 */
export const httpProbe = (path: string, port: string, failureThreshold: number, periodSeconds = 2) => ({
  httpGet: { path, port },
  periodSeconds,
  failureThreshold,
  timeoutSeconds: 2,
});
