import type { BackendsSeen, Plan } from "./plan.ts";
import type { Live } from "./ask-pods.ts";
import type { LevelSeen } from "./level.ts";
import type { Refused } from "./apply-all.ts";
import type { ChatClusterStatus } from "./crd/status.ts";
import type { KubeObject } from "./kube/object.ts";
import type { Observed } from "./observed.ts";
import type { Finding } from "./kube/conditions.ts";
import type { DesiredInput } from "./desired/desired-input.ts";

export interface StatusFacts {
  readonly input: DesiredInput;
  readonly observed: Observed;
  readonly backends: BackendsSeen;
  readonly plan: Plan;
  /** Objects of kinds that this Kubernetes cluster does not have. */
  readonly unserved: readonly KubeObject[];
  readonly live: Live;
  /** The finding for the condition `SyntheticTalk`. */
  readonly talk: Finding;
  readonly level: LevelSeen;
  /** What is decided about the number of pods; absent where the spec says it. */
  readonly autoscaler?: ChatClusterStatus["autoscaler"];
  /** The objects that the API server refused. */
  readonly refused: readonly Refused[];
  /** Deployments and StatefulSets that this pass changed: their observed state is from before the change. */
  readonly changed: readonly KubeObject[];
  readonly now: Date;
}
