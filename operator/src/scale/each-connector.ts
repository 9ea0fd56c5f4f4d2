import type { Refused } from "../apply-all.ts";
import { isNotFound, isRefusal } from "../kube/errors.ts";
import type { Observed } from "../observed.ts";
import type { PodObject } from "../pod-object.ts";

/**
 * Carries out what a plan says about each connector's pod. A pod that is gone meanwhile needs nothing any
 * more. Returns the pods whose change the API server refused.
 */
export async function eachConnector<A extends { readonly pod: string }>(
  acts: readonly A[],
  observed: Observed,
  carryOut: (pod: PodObject, act: A) => Promise<void>,
): Promise<readonly Refused[]> {
  const refused: Refused[] = [];
  const pods = new Map(observed.ofKind<PodObject>("Pod", "connector").map((pod) => [pod.metadata.name, pod]));
  for (const act of acts) {
    const pod = pods.get(act.pod);
    if (pod === undefined) continue;
    try {
      await carryOut(pod, act);
    } catch (error) {
      if (isNotFound(error)) continue;
      if (!isRefusal(error)) throw error;
      refused.push({ object: pod, error });
    }
  }
  return refused;
}
