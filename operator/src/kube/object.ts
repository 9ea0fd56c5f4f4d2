/** The fields that every Kubernetes object has. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly generation?: number | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly finalizers?: readonly string[] | undefined;
  readonly ownerReferences?: readonly OwnerReference[] | undefined;
  readonly deletionTimestamp?: string | undefined;
  readonly creationTimestamp?: string | undefined;
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** A kind, and its path at the API server. */
export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

const resource = (apiVersion: string, kind: string, plural: string, namespaced = true): Resource => ({
  apiVersion,
  kind,
  plural,
  namespaced,
});

/** Every kind that the operator uses. The chart's RBAC rules are made from the same list. */
export const RESOURCES = {
  chatClusters: resource("chat.jichat.io/v1alpha1", "ChatCluster", "chatclusters"),
  namespaces: resource("v1", "Namespace", "namespaces", false),
  configMaps: resource("v1", "ConfigMap", "configmaps"),
  secrets: resource("v1", "Secret", "secrets"),
  services: resource("v1", "Service", "services"),
  serviceAccounts: resource("v1", "ServiceAccount", "serviceaccounts"),
  pods: resource("v1", "Pod", "pods"),
  volumeClaims: resource("v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
  deployments: resource("apps/v1", "Deployment", "deployments"),
  statefulSets: resource("apps/v1", "StatefulSet", "statefulsets"),
  jobs: resource("batch/v1", "Job", "jobs"),
  disruptionBudgets: resource("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
  networkPolicies: resource("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
  ingresses: resource("networking.k8s.io/v1", "Ingress", "ingresses"),
  endpointSlices: resource("discovery.k8s.io/v1", "EndpointSlice", "endpointslices"),
  httpRoutes: resource("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes"),
  podMonitors: resource("monitoring.coreos.com/v1", "PodMonitor", "podmonitors"),
  leases: resource("coordination.k8s.io/v1", "Lease", "leases"),
  events: resource("events.k8s.io/v1", "Event", "events"),
} as const satisfies Record<string, Resource>;

/** The resource of an object's kind. Throws if the operator does not know the kind. */
export const resourceOf = ({ apiVersion, kind }: Pick<KubeObject, "apiVersion" | "kind">): Resource => {
  const found = Object.values(RESOURCES).find(
    (known) => known.apiVersion === apiVersion && known.kind === kind,
  );
  if (found === undefined) throw new Error(`no resource is known for ${apiVersion} ${kind}`);
  return found;
};

/** The path of one object, of all objects in a namespace, or of all objects. */
export function pathOf(
  { apiVersion, plural, namespaced }: Resource,
  namespace?: string,
  name?: string,
): string {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = namespaced && namespace !== undefined ? `/namespaces/${namespace}` : "";
  return `${root}${scope}/${plural}${name === undefined ? "" : `/${name}`}`;
}

/** `namespace/name`; only the name for an object without a namespace. */
export const keyOf = ({ metadata: { namespace, name } }: Pick<KubeObject, "metadata">): string =>
  namespace === undefined ? name : `${namespace}/${name}`;
