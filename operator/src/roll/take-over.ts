import type { ServerSet } from "../desired/server-set.ts";
import type { KubeObject } from "../kube/object.ts";
import type { Observed } from "../observed.ts";

/** On a StatefulSet whose `rollingUpdate` is ours by now: the next apply takes it away. */
const TAKES_OVER = "chat.jichat.io/takes-over";

function takenOver(set: ServerSet, observed: Observed): ServerSet {
  const before = observed.find(set);
  const isKept = before === undefined || before.spec.updateStrategy?.type === "OnDelete";
  if (isKept || before.metadata.annotations?.[TAKES_OVER] !== undefined) return set;
  const { metadata, spec } = set;
  return {
    ...set,
    metadata: { ...metadata, annotations: { ...metadata.annotations, [TAKES_OVER]: "rollingUpdate" } },
    // Kubernetes restarts no pod above which the partition is.
    spec: {
      ...spec,
      updateStrategy: {
        type: "RollingUpdate",
        // From Kubernetes 1.35 on, the API server adds maxUnavailable as well; before that it drops it.
        rollingUpdate: { partition: spec.replicas ?? 0, maxUnavailable: 1 },
      },
    },
  };
}

/**
 * The same objects, with StatefulSets that Kubernetes rolled until now and the operator rolls from now on.
 * The API server added `rollingUpdate` to them, which `OnDelete` may not have, and an apply removes only what
 * an earlier apply has set. So this is two applies: the first sets it, and restarts nothing.
 */
export const withTakeOver = (objects: readonly KubeObject[], observed: Observed): readonly KubeObject[] =>
  objects.map((object) => {
    if (object.kind !== "StatefulSet") return object;
    const set = object as ServerSet;
    return set.spec.updateStrategy?.type === "OnDelete" ? takenOver(set, observed) : set;
  });
