import { hash } from "node:crypto";
import type { ChatCluster } from "../crd/definition.ts";
import { API_VERSION, KIND } from "../crd/definition.ts";
import type { ObjectMeta, OwnerReference } from "../kube/object.ts";

/** The components without which nobody can talk. Every ChatCluster has them. */
export const CORE = ["connector", "router", "storage", "api"] as const;
export const COMPONENTS = [...CORE, "push"] as const;
export type Component = (typeof COMPONENTS)[number];
/** The components that a ChatCluster has. */
export const componentsIn = ({ spec }: Pick<ChatCluster, "spec">): readonly Component[] =>
  spec.push === undefined ? CORE : COMPONENTS;
export const BACKENDS = ["nats", "redis", "clickhouse"] as const;
export type Backend = (typeof BACKENDS)[number];
/** Every kind of pod. */
export type Role = Component | Backend | "canary" | "migrate";

export const MANAGED_BY = "jichat-operator";
export const LABELS = {
  managedBy: "app.kubernetes.io/managed-by",
  instance: "app.kubernetes.io/instance",
  component: "app.kubernetes.io/component",
  revision: "chat.jichat.io/revision",
  /**
   * Connectors' Service selects pods that have it as "true". Pods are born with it, so that new ones need no
   * operator; who is to go loses it.
   */
  routed: "chat.jichat.io/routed",
  /**
   * The label of kept objects, in place of `instance`. Tools that prune claim objects by the `instance`
   * label.
   */
  cluster: "chat.jichat.io/cluster",
} as const;
/** Selects every object that an operator made, for any ChatCluster. */
export const OURS = `${LABELS.managedBy}=${MANAGED_BY}`;

export const PORTS = {
  ws: 8081,
  api: 8080,
  admin: 9090,
  nats: 4222,
  natsRoutes: 6222,
  redis: 6379,
  clickhouse: 8123,
};

export const objectName = ({ metadata }: ChatCluster, part: string): string => `${metadata.name}-${part}`;

/**
 * The prefix of streams, keys and databases: 1 to 32 characters, unique per ChatCluster of a Kubernetes
 * cluster, so that many can share a backend.
 */
export function clusterNameOf({ metadata: { namespace, name } }: Pick<ChatCluster, "metadata">): string {
  const readable = `${namespace}-${name}`.replaceAll(".", "-").slice(0, 23).replace(/-+$/, "");
  return `${readable}-${hash("sha256", `${namespace}/${name}`, "hex").slice(0, 8)}`;
}

/** Labels of objects that are deleted together with their ChatCluster. */
export const labelsOf = ({ metadata }: ChatCluster, role: string): Record<string, string> => ({
  "app.kubernetes.io/name": "jichat",
  [LABELS.instance]: metadata.name,
  [LABELS.component]: role,
  [LABELS.managedBy]: MANAGED_BY,
});

/** Labels of objects that outlive their ChatCluster. */
export const keptLabelsOf = ({ metadata }: ChatCluster, role: string): Record<string, string> => ({
  "app.kubernetes.io/name": "jichat",
  [LABELS.cluster]: metadata.name,
  [LABELS.component]: role,
  [LABELS.managedBy]: MANAGED_BY,
});

/** The labels of a selector. They never change during an object's life. */
export const selectorOf = ({ metadata }: ChatCluster, role: string): Record<string, string> => ({
  [LABELS.instance]: metadata.name,
  [LABELS.component]: role,
});

const ownerOf = ({ metadata: { name, uid } }: ChatCluster): OwnerReference => ({
  apiVersion: API_VERSION,
  kind: KIND,
  name,
  uid,
  controller: true,
  blockOwnerDeletion: true,
});

/** Metadata of an object that is deleted together with its ChatCluster. */
export const metaOf = (cluster: ChatCluster, role: string, name = objectName(cluster, role)): ObjectMeta => ({
  name,
  namespace: cluster.metadata.namespace,
  labels: labelsOf(cluster, role),
  ownerReferences: [ownerOf(cluster)],
});
