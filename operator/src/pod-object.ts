import type { V1PodSpec, V1PodStatus } from "@kubernetes/client-node";
import type { KubeObject } from "./kube/object.ts";

export interface PodObject extends KubeObject {
  readonly spec?: V1PodSpec;
  readonly status?: V1PodStatus;
}

const readyOf = ({ status }: Pick<PodObject, "status">) =>
  status?.conditions?.find(({ type }) => type === "Ready");

/** Whether the kubelet's last probe succeeded. It may be so of a pod that ends. */
export const isPodReady = (pod: Pick<PodObject, "status">): boolean => readyOf(pod)?.status === "True";

/** Time of day, in ms, since when that is so. The wire has a text, whatever the client's types say. */
export function readyChangedAt(pod: Pick<PodObject, "status">): number | undefined {
  const at = Date.parse(String(readyOf(pod)?.lastTransitionTime));
  return Number.isNaN(at) ? undefined : at;
}
