import type { ChatCluster } from "./crd/definition.ts";
import { FINALIZER } from "./finalize.ts";

export interface Uninstall {
  /** This operator's identity, as in `status.keeper`. */
  readonly me: string;
  /** Whether the CustomResourceDefinition, and so every ChatCluster, is deleted too. */
  readonly crdGoes: boolean;
}

const named = ({ metadata: { namespace, name } }: ChatCluster): string => `${namespace}/${name}`;
const list = (clusters: readonly ChatCluster[]): string => clusters.map(named).join(", ");

/** Reasons against removing the operator, each with its cure. Empty if nobody would miss it. */
export function objections(clusters: readonly ChatCluster[], { me, crdGoes }: Uninstall): readonly string[] {
  if (crdGoes && clusters.length > 0)
    return [
      `crd.keep is false: the deletion of the CRD deletes every ChatCluster and all that runs for it: ${list(clusters)}. Delete them first (kubectl delete chat NAME -n NAMESPACE), or keep the CRD: helm upgrade --reuse-values --set crd.keep=true`,
    ];
  const waiting = clusters.filter(
    ({ metadata, status }) =>
      metadata.finalizers?.includes(FINALIZER) === true && (status?.keeper ?? me) === me,
  );
  if (waiting.length === 0) return [];
  return [
    `ChatClusters with deletionPolicy: Delete cannot be deleted without an operator, since it deletes their data: ${list(waiting)}. Delete them first (kubectl delete chat NAME -n NAMESPACE); or keep their data (kubectl patch chat NAME -n NAMESPACE --type=merge -p '{"spec":{"deletionPolicy":"Retain"}}'); or uninstall nevertheless with helm uninstall --no-hooks, and release each one later with kubectl chat release NAME`,
  ];
}
