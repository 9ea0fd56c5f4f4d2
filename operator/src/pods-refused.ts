import type { Workload } from "./desired/workloads.ts";
import type { Observed } from "./observed.ts";

interface PodsRefused {
  readonly deployment: string;
  readonly message: string;
}

/** Each try has another name in it: a status would be written for ever. */
const NAMED = /^pods "[^"]*" is /;

/** Deployments of which the API server takes no more pods: a quota is used up, or a policy says no. */
export const podsRefused = (observed: Observed): readonly PodsRefused[] =>
  observed.ofKind<Workload>("Deployment").flatMap(({ metadata, status }) => {
    const failure = status?.conditions?.find(
      ({ type, status: is }) => type === "ReplicaFailure" && is === "True",
    );
    if (failure === undefined) return [];
    return [{ deployment: metadata.name, message: (failure.message ?? "").replace(NAMED, "") }];
  });

const SHOWN = 3;
export const tellPodsRefused = (refused: readonly PodsRefused[]): string =>
  [
    ...refused
      .slice(0, SHOWN)
      .map(({ deployment, message }) => `no more pods of Deployment ${deployment}: ${message}`),
    ...(refused.length > SHOWN ? [`and ${refused.length - SHOWN} more`] : []),
  ].join("; ");
