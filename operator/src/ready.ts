import type { StatusFacts } from "./status-facts.ts";
import type { ComponentCounts } from "./component-counts.ts";
import { tell } from "./component-counts.ts";
import type { Condition } from "./crd/status.ts";
import { componentsIn } from "./desired/names.ts";
import { faultFinding } from "./faults.ts";
import type { Finding } from "./kube/conditions.ts";
import { no, unknown, yes } from "./kube/conditions.ts";

const isTrue = (conditions: readonly Condition[] | undefined, type: string): boolean =>
  conditions?.some((one) => one.type === type && one.status === "True") === true;

/**
 * Everything that is wanted runs, and people can talk. Otherwise the finding names the first thing in the
 * way.
 */
export function readyFinding(facts: StatusFacts, counts: ComponentCounts, backends: Finding): Finding {
  const { input, plan, talk, live } = facts;
  const { cluster } = input;
  if (cluster.spec.hibernate) return no("Hibernating", "spec.hibernate is set: no pods, data stays");
  const components = componentsIn(cluster);
  const serves = components.every((name) => counts[name].ready > 0 || counts[name].wanted === 0);
  const short = components.filter((name) => counts[name].ready < counts[name].wanted);
  if (talk.status === "False") {
    const why = [
      talk.message,
      ...(short.length > 0 ? [`ready: ${tell(counts, short)}`] : []),
      ...(backends.status === "False" ? [backends.message] : []),
    ];
    return no("PeopleCannotTalk", why.join("; "));
  }
  const isHeld = serves && facts.backends.streams?.fault === undefined;
  if (plan.waitsFor !== undefined && !isHeld) return no("Waiting", `waits for ${plan.waitsFor}`);
  const fault = faultFinding(cluster, live.faults, "stopping");
  if (fault !== undefined) return no(fault.reason, fault.message);
  if (short.length > 0) return no("ComponentsNotReady", tell(counts, short));
  if (backends.status === "False") return no("BackendsNotReady", backends.message);
  if (talk.reason === "Stale") return unknown("TalkStale", talk.message);
  // A new leader knows nothing yet. Until its first talk, the finding of its predecessor counts.
  if (talk.reason === "NotTalkedYet" && !isTrue(cluster.status?.conditions, "Ready"))
    return no("NotTalkedYet", talk.message);
  return yes("AllReady", tell(counts, components));
}
