import type { V1PodSpec, V1PodStatus } from "@kubernetes/client-node";
import type { KubeObject } from "./kube/object.ts";

export interface PodObject extends KubeObject {
  readonly spec?: V1PodSpec;
  readonly status?: V1PodStatus;
}

/** Whether the kubelet's last probe succeeded. It may be so of a pod that ends. */
export const isPodReady = ({ status }: Pick<PodObject, "status">): boolean =>
  (status?.conditions ?? []).some(({ type, status: is }) => type === "Ready" && is === "True");
