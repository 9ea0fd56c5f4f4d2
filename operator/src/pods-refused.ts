import type { Workload } from "./desired/workloads.ts";
import type { Observed } from "./observed.ts";

interface PodsRefused {
  readonly deployment: string;
  readonly message: string;
}

/** Removes the pod's name, which differs with each try: otherwise the status would be written for ever. */
const NAMED = /^pods "[^"]*" is /;

/** Deployments for which the API server refuses more pods, because of a quota or a policy. */
export const podsRefused = (observed: Observed): readonly PodsRefused[] =>
  observed.ofKind<Workload>("Deployment").flatMap(({ metadata, status }) => {
    const failure = status?.conditions?.find(
      ({ type, status: is }) => type === "ReplicaFailure" && is === "True",
    );
    if (failure === undefined) return [];
    return [{ deployment: metadata.name, message: (failure.message ?? "").replace(NAMED, "") }];
  });

const SHOWN = 3;
/** The message for people. It names three Deployments at most. */
export const tellPodsRefused = (refused: readonly PodsRefused[]): string =>
  [
    ...refused
      .slice(0, SHOWN)
      .map(({ deployment, message }) => `Deployment ${deployment} cannot create more pods: ${message}`),
    ...(refused.length > SHOWN ? [`and ${refused.length - SHOWN} more`] : []),
  ].join("; ");
