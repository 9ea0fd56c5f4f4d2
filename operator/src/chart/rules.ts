import type { Resource } from "../kube/object.ts";
import { RESOURCES } from "../kube/object.ts";

/** A rule in the form of RBAC. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

type Name = keyof typeof RESOURCES;

const WATCH = ["get", "list", "watch"];
/** Server-side apply is a patch. For an object that does not exist yet, it is also a create. */
const OWN = [...WATCH, "create", "patch", "delete"];

/** The operator's verbs for each kind. A kind that is missing here would be refused at run time. */
const VERBS: Readonly<Record<Exclude<Name, "leases" | "namespaces">, readonly string[]>> = {
  chatClusters: [...WATCH, "patch"],
  configMaps: OWN,
  secrets: OWN,
  services: OWN,
  serviceAccounts: OWN,
  // Deletes a server that waits for an image which is not wanted any more. Patches a server whose kubelet has
  // to deliver its users, and a connector that is to go.
  pods: [...WATCH, "delete", "patch"],
  volumeClaims: OWN,
  deployments: OWN,
  statefulSets: OWN,
  jobs: OWN,
  disruptionBudgets: OWN,
  networkPolicies: OWN,
  ingresses: OWN,
  // To see that a connector has left its Service.
  endpointSlices: WATCH,
  httpRoutes: OWN,
  podMonitors: OWN,
  events: ["create", "patch"],
};

const groupOf = ({ apiVersion }: Resource): string =>
  apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";

const rule = (group: string, resources: readonly string[], verbs: readonly string[]): Rule => ({
  apiGroups: [group],
  resources: [...resources].sort(),
  verbs,
});

/** Rights in the namespaces of ChatClusters. Kinds with the same group and verbs share a rule. */
export function clusterRules(): readonly Rule[] {
  const shared = new Map<string, Rule>();
  for (const [name, verbs] of Object.entries(VERBS)) {
    const resource = RESOURCES[name as Name];
    const group = groupOf(resource);
    const key = `${group} ${verbs.join()}`;
    shared.set(key, rule(group, [...(shared.get(key)?.resources ?? []), resource.plural], verbs));
  }
  const { apiVersion, plural } = RESOURCES.chatClusters;
  const group = groupOf({ ...RESOURCES.chatClusters, apiVersion });
  return [
    ...shared.values(),
    rule(group, [`${plural}/status`], ["patch"]),
    // To see whether another operator, named in a ChatCluster's status, is still alive.
    rule(groupOf(RESOURCES.leases), [RESOURCES.leases.plural], ["get"]),
    // Owner references that block deletion need this right (OwnerReferencesPermissionEnforcement).
    rule(group, [`${plural}/finalizers`], ["update"]),
  ];
}

/** Rights in the operator's own namespace: on the Lease of the leader, and on the namespace itself. */
export function ownRules(): readonly Rule[] {
  const { plural } = RESOURCES.leases;
  const group = groupOf(RESOURCES.leases);
  return [
    rule(group, [plural], ["create"]),
    // To see whether the operator's own namespace is being deleted.
    rule("", [RESOURCES.namespaces.plural], ["get"]),
    // The chart inserts the name, which is made from the release and the watched namespaces.
    { ...rule(group, [plural], ["get", "update"]), resourceNames: ["LEASE"] },
  ];
}
