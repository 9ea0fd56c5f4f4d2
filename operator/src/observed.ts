import type { V1Deployment, V1Job, V1StatefulSet } from "@kubernetes/client-node";
import type { KubeObject } from "./kube/object.ts";
import { keyOf } from "./kube/object.ts";
import { LABELS } from "./desired/names.ts";

/** The objects of a ChatCluster at the API server, as of the last reported change. */
export class Observed {
  readonly objects: ReadonlyMap<string, KubeObject>;

  constructor(objects: readonly KubeObject[]) {
    this.objects = new Map(objects.map((object) => [idOf(object), object]));
  }

  find<T extends KubeObject>(wanted: T): T | undefined {
    return this.objects.get(idOf(wanted)) as T | undefined;
  }

  /** Every object of a kind, optionally of only one component. */
  ofKind<T extends KubeObject = KubeObject>(kind: string, component?: string): readonly T[] {
    return [...this.objects.values()].filter(
      (object) =>
        object.kind === kind &&
        (component === undefined || object.metadata.labels?.[LABELS.component] === component),
    ) as T[];
  }
}

/** Identifies an object within one pass: its kind, namespace and name. */
export const idOf = (object: Pick<KubeObject, "kind" | "metadata">): string =>
  `${object.kind} ${keyOf(object)}`;

export interface Counted {
  readonly wanted: number;
  readonly ready: number;
  readonly updated: number;
  /** Its controller has seen the present spec. */
  readonly isSeen: boolean;
  /** No pod of an older template is left, and as many are ready as are wanted. */
  readonly isSettled: boolean;
}

/** The progress of a Deployment or StatefulSet; all zero if it does not exist. */
export function countOf(object: KubeObject | undefined): Counted {
  const { spec, status, metadata } = (object ?? {}) as Partial<V1Deployment & V1StatefulSet>;
  const wanted = spec?.replicas ?? 0;
  const ready = status?.readyReplicas ?? 0;
  const updated = status?.updatedReplicas ?? 0;
  const isSeen = (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);
  const isSettled =
    object !== undefined &&
    isSeen &&
    ready === wanted &&
    updated >= wanted &&
    (status?.replicas ?? 0) === wanted;
  return { wanted, ready, updated, isSeen, isSettled };
}

/** The state of a Job, from its conditions. A Job without a final condition counts as running. */
export function jobState(object: KubeObject | undefined): "done" | "failed" | "running" | "absent" {
  if (object === undefined) return "absent";
  const { status } = object as KubeObject & Pick<V1Job, "status">;
  if (status?.conditions?.some(({ type, status: is }) => type === "Complete" && is === "True") === true)
    return "done";
  if (status?.conditions?.some(({ type, status: is }) => type === "Failed" && is === "True") === true)
    return "failed";
  return "running";
}
