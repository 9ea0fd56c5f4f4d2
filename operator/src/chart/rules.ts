import type { Resource } from "../kube/object.ts";
import { RESOURCES } from "../kube/object.ts";

/** As RBAC has it. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

type Name = keyof typeof RESOURCES;

const WATCH = ["get", "list", "watch"];
/** Server-side apply is a patch, and of what is not there yet a create too. */
const OWN = [...WATCH, "create", "patch", "delete"];

/**
 * What the operator does with each kind. Every kind that it knows is here, or it would be refused at run
 * time.
 */
const VERBS: Readonly<Record<Exclude<Name, "leases" | "namespaces">, readonly string[]>> = {
  chatClusters: [...WATCH, "patch"],
  configMaps: OWN,
  secrets: OWN,
  services: OWN,
  serviceAccounts: OWN,
  // A server whose image is not wanted any more, and never came; one whose kubelet is to bring it its users.
  pods: [...WATCH, "delete", "patch"],
  volumeClaims: OWN,
  deployments: OWN,
  statefulSets: OWN,
  jobs: OWN,
  disruptionBudgets: OWN,
  networkPolicies: OWN,
  ingresses: OWN,
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

/** Rights where ChatClusters are: kinds with the same group and verbs share a rule. */
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
    // Whether another operator, whose name is in a ChatCluster's status, is still there.
    rule(groupOf(RESOURCES.leases), [RESOURCES.leases.plural], ["get"]),
    // Owner references that block deletion ask for it (OwnerReferencesPermissionEnforcement).
    rule(group, [`${plural}/finalizers`], ["update"]),
  ];
}

/** Rights in its own namespace: the Lease that says who leads, and the namespace itself. */
export function ownRules(): readonly Rule[] {
  const { plural } = RESOURCES.leases;
  const group = groupOf(RESOURCES.leases);
  return [
    rule(group, [plural], ["create"]),
    // Whether its own namespace is being deleted, with it inside.
    rule("", [RESOURCES.namespaces.plural], ["get"]),
    // The chart puts the name in, which is made of its release and what it watches.
    { ...rule(group, [plural], ["get", "update"]), resourceNames: ["LEASE"] },
  ];
}
