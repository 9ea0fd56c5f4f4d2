import type { V1StatefulSetSpec, V1StatefulSetStatus } from "@kubernetes/client-node";
import type { KubeObject } from "../kube/object.ts";
import type { Backend } from "./names.ts";
import { labelsOf, metaOf, selectorOf } from "./names.ts";
import type { PodTemplate, PodInput } from "./pods.ts";
import { podTemplate } from "./pods.ts";
import type { DesiredInput } from "./desired-input.ts";

export interface ServerSet extends KubeObject {
  readonly spec: Omit<V1StatefulSetSpec, "template"> & { readonly template: PodTemplate };
  readonly status?: V1StatefulSetStatus;
}

interface Storage {
  readonly size: string | number;
  readonly className?: string;
}

export interface ServerInput extends Omit<PodInput, "role"> {
  readonly replicas: number;
  readonly serviceName: string;
  readonly storage: Storage;
  readonly podManagementPolicy?: "Parallel";
  /** The operator replaces the pods itself. Otherwise Kubernetes does, as they become ready. */
  readonly isRolledByUs?: boolean;
}

const BY_US = { type: "OnDelete" } as const;

export const claimSpec = ({ size, className }: Storage) => ({
  accessModes: ["ReadWriteOnce"],
  resources: { requests: { storage: String(size) } },
  ...(className === undefined ? {} : { storageClassName: className }),
});

/**
 * The servers of a managed backend, each with its own volume. Volumes outlive the set, since only the
 * finalizer deletes data. The size here counts only when the set is made; volumes.ts handles a later change.
 */
export function serverSet(input: DesiredInput, role: Backend, server: ServerInput): ServerSet {
  const { cluster } = input;
  const { replicas, serviceName, storage, podManagementPolicy, isRolledByUs, ...pod } = server;
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: metaOf(cluster, role),
    spec: {
      serviceName,
      replicas: cluster.spec.hibernate ? 0 : replicas,
      ...(podManagementPolicy === undefined ? {} : { podManagementPolicy }),
      ...(isRolledByUs === true ? { updateStrategy: BY_US } : {}),
      selector: { matchLabels: selectorOf(cluster, role) },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
      template: podTemplate(input, { ...pod, role }),
      volumeClaimTemplates: [
        { metadata: { name: "data", labels: labelsOf(cluster, role) }, spec: claimSpec(storage) },
      ],
    },
  };
}
