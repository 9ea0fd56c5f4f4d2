import { hashOf } from "../kube/hash.ts";
import type { Fault } from "@jichat/protocol/faults.ts";
import { COMPONENTS } from "../desired/names.ts";
import { connectorRevision } from "../desired/workloads.ts";
import type { DesiredInput } from "../desired/desired-input.ts";
import type { Observed } from "../observed.ts";
import { countOf } from "../observed.ts";
import type { BackendsSeen } from "../plan.ts";
import { olderRevisions } from "../scale/revisions.ts";
import type { Edge } from "./talk-watch.ts";
import { wayOf } from "./way.ts";

/**
 * What a pass knows of the edge. Its print changes with the spec, with the ready pods, with the backends that
 * answer, and with faults.
 */
export function edgeOf(
  input: DesiredInput,
  observed: Observed,
  seen: BackendsSeen,
  faults: readonly Fault[],
): Edge {
  const isOld = olderRevisions(input, observed).some(
    ({ spec, status }) => (spec.replicas ?? 0) > 0 || (status?.replicas ?? 0) > 0,
  );
  const isSettled = !isOld && countOf(observed.find(connectorRevision(input, 0))).isSettled;
  const ready = COMPONENTS.map((name) =>
    observed.ofKind("Deployment", name).map((deployment) => countOf(deployment).ready),
  );
  const { generation } = input.cluster.metadata;
  const backends = [seen.nats, seen.redis, seen.clickhouse].map(({ state }) => state);
  const print = hashOf([generation, input.keys.generation, ready, backends, faults]);
  return { way: wayOf(input), print, isSettled };
}
