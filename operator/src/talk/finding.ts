import type { Condition } from "../crd/status.ts";
import { CORE } from "../desired/names.ts";
import type { DesiredInput } from "../desired/desired-input.ts";
import { wantedReplicas } from "../desired/workloads.ts";
import type { Finding } from "../kube/conditions.ts";
import { no, unknown, yes } from "../kube/conditions.ts";
import type { Observed } from "../observed.ts";
import { countOf } from "../observed.ts";
import type { Step } from "./talk.ts";
import type { Talked } from "./talk-watch.ts";
import { STALE_MS, canTalk, cannotTalk } from "./talk-watch.ts";

/**
 * Why no talk runs there: it is not wanted, or the cluster is not up yet. Undefined if talks should run.
 * `isTalked` says that they already do.
 */
export function whyNotTalked(
  input: DesiredInput,
  observed: Observed,
  isTalked: boolean,
): Finding | undefined {
  const { spec, status } = input.cluster;
  if (spec.hibernate) return unknown("Hibernating", "no pods are wanted: nobody can talk");
  if (spec.paused) return unknown("Paused", "spec.paused is set: the operator does not talk");
  if (wantedReplicas(input, "connector") === 0)
    return unknown("NoConnectors", "connectors.replicas is 0: nobody can talk");
  if (isTalked || hasBegun(status?.conditions) || serves(input, observed)) return undefined;
  return unknown("NotReadyYet", "waits until each component has had a pod that is ready");
}

const TALKED_REASONS = new Set(["NotTalkedYet", "Stale"]);

/** Once talks have begun, they go on whatever fails: finding such failures is their purpose. */
const hasBegun = (conditions: readonly Condition[] = []): boolean =>
  conditions.some(
    ({ type, status, reason }) =>
      type === "SyntheticTalk" && (status !== "Unknown" || TALKED_REASONS.has(reason)),
  );

const serves = (input: DesiredInput, observed: Observed): boolean =>
  CORE.every(
    (name) =>
      wantedReplicas(input, name) === 0 ||
      observed.ofKind("Deployment", name).some((deployment) => countOf(deployment).ready > 0),
  );

const REASONS: Readonly<Record<Step, string>> = {
  connect: "ConnectFails",
  hello: "HelloFails",
  send: "SendFails",
  receive: "ReceiveFails",
  resume: "ResumeFails",
  history: "HistoryFails",
};

const NOT_YET = "the operator has not talked yet";

/** The finding from the latest talks. */
export function talkFinding(talked: Talked): Finding {
  const { last, ageMs } = talked;
  if (last === undefined) return unknown("NotTalkedYet", NOT_YET);
  if (last.outcome !== "ok" && cannotTalk(talked))
    return no(REASONS[last.outcome], `${last.outcome} fails: ${last.why}`);
  if (canTalk(talked)) return yes("Talked", "two devices sent, received and resumed");
  if (ageMs > STALE_MS)
    return unknown("Stale", `no talk has ended for more than ${STALE_MS / 60_000} minutes`);
  return unknown(
    "NotTalkedYet",
    `${NOT_YET} with success; the first time ${last.outcome} failed: ${last.why}`,
  );
}
