import { hashOf } from "../kube/hash.ts";
import type { Fault } from "@jichat/protocol/faults.ts";
import { COMPONENTS } from "../desired/names.ts";
import type { DesiredInput } from "../desired/desired-input.ts";
import type { Observed } from "../observed.ts";
import { countOf } from "../observed.ts";
import type { BackendsSeen } from "../plan.ts";
import { deploymentOf, otherRevisions, wantedRevision } from "../scale/revisions.ts";
import type { Edge } from "./talk-watch.ts";
import { wayOf } from "./way.ts";

interface Present {
  readonly faults: readonly Fault[];
  /** The one that connectors are to be of at present; the spec's where nothing else is said. */
  readonly revision?: string | undefined;
}

/**
 * What a pass knows of the edge, where connectors are of this revision. Its print changes with the spec, with
 * the ready pods, with the backends that answer, and with faults.
 */
export function edgeOf(
  input: DesiredInput,
  observed: Observed,
  seen: BackendsSeen,
  { faults, revision = wantedRevision(input) }: Present,
): Edge {
  const isOld = otherRevisions(revision, observed).some(
    ({ spec, status }) => (spec.replicas ?? 0) > 0 || (status?.replicas ?? 0) > 0,
  );
  const isSettled = !isOld && countOf(deploymentOf(revision, observed)).isSettled;
  const ready = COMPONENTS.map((name) =>
    observed.ofKind("Deployment", name).map((deployment) => countOf(deployment).ready),
  );
  const { generation } = input.cluster.metadata;
  const backends = [seen.nats, seen.redis, seen.clickhouse].map(({ state }) => state);
  const print = hashOf([generation, input.keys.generation, ready, backends, faults]);
  return { way: wayOf(input), print, isSettled };
}
