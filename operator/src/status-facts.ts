import type { BackendsSeen, Plan } from "./plan.ts";
import type { Live } from "./ask-pods.ts";
import type { LevelSeen } from "./level.ts";
import type { Refused } from "./apply-all.ts";
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
  /** Whether people can talk, as `SyntheticTalk` has it. */
  readonly talk: Finding;
  readonly level: LevelSeen;
  /** What the API server refused. */
  readonly refused: readonly Refused[];
  /** Deployments and StatefulSets that this pass changed: what is seen of them is of before. */
  readonly changed: readonly KubeObject[];
  readonly now: Date;
}
