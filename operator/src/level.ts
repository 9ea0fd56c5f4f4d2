import type { V1Pod } from "@kubernetes/client-node";
import { LEVEL_KNOWN } from "@jichat/protocol/level.ts";
import type { Refused } from "./apply-all.ts";
import type { Live } from "./ask-pods.ts";
import { countsOf, tell } from "./component-counts.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import { COMPONENTS, componentsIn } from "./desired/names.ts";
import { migrationJob, wantedReplicas } from "./desired/workloads.ts";
import type { Finding } from "./kube/conditions.ts";
import { no, unknown, yes } from "./kube/conditions.ts";
import type { KubeObject } from "./kube/object.ts";
import type { Observed } from "./observed.ts";
import { jobState } from "./observed.ts";
import type { BackendsSeen, Plan } from "./plan.ts";

type Pod = KubeObject & Pick<V1Pod, "status">;

/** The result of a pass about the cluster's level. */
export interface LevelSeen {
  readonly finding: Finding;
  /** Absent if it is unknown. */
  readonly level?: number;
}

/** The facts by which a pass decides whether the level may be raised. */
export interface LevelFacts {
  readonly input: DesiredInput;
  readonly observed: Observed;
  readonly backends: BackendsSeen;
  readonly plan: Plan;
  readonly refused: readonly Refused[];
  readonly changed: readonly KubeObject[];
  readonly live: Pick<Live, "levels">;
}

const isOver = ({ status }: Pod): boolean => status?.phase === "Succeeded" || status?.phase === "Failed";

/**
 * Every pod that runs, starts or ends, with the newest level that it knows. Undefined if it does not report
 * one, which is not the same as 0.
 */
const levelsOf = ({ observed, live }: LevelFacts): readonly (readonly [string, number | undefined])[] =>
  COMPONENTS.flatMap((component) => observed.ofKind<Pod>("Pod", component))
    .filter((pod) => !isOver(pod))
    .map(({ metadata: { name } }) => [name, live.levels.get(name)]);

/**
 * The part of a roll-out that is still running: until it is done, a pod of an older version may exist or
 * start. Undefined if none is running.
 */
function underWay(facts: LevelFacts): string | undefined {
  const { input, observed, plan, refused, changed } = facts;
  if (plan.waitsFor !== undefined) return plan.waitsFor;
  if (plan.rollout !== undefined && plan.rollout.phase !== "Done")
    return `the rollout, which is in phase ${plan.rollout.phase}`;
  const [notApplied] = refused;
  if (notApplied !== undefined)
    return `${notApplied.object.kind} ${notApplied.object.metadata.name} to be applied`;
  const [fresh] = changed;
  if (fresh !== undefined) return `${fresh.kind} ${fresh.metadata.name}, which was just changed`;
  const counts = countsOf(facts);
  const components = componentsIn(input.cluster);
  const unsettled = components.filter((name) => !counts[name].isSettled);
  if (unsettled.length > 0) return tell(counts, unsettled);
  const job = migrationJob(input);
  if (job !== undefined && jobState(observed.find(job)) !== "done") return "the schema of ClickHouse";
  const wanted = components.filter((name) => wantedReplicas(input, name) > 0);
  if (wanted.length === 0) return "a pod of any component";
  const podless = wanted.filter((name) => observed.ofKind("Pod", name).length === 0);
  return podless.length > 0 ? `a pod of ${podless.join(", ")}` : undefined;
}

const SHOWN = 3;
function tellOlder(older: readonly (readonly [string, number | undefined])[]): string {
  const some = older
    .slice(0, SHOWN)
    .map(([name, known]) => `${name} ${known === undefined ? "reports no level" : `knows level ${known}`}`);
  return [...some, ...(older.length > SHOWN ? [`and ${older.length - SHOWN} more`] : [])].join(", ");
}

/**
 * The level to which the cluster may be raised now, or the finding that says why not. Pure. A level cannot be
 * lowered, even if it was raised while a process did not know it. So anything unknown prevents a raise.
 */
export function levelWay(facts: LevelFacts): LevelSeen | { readonly to: number } {
  const { spec } = facts.input.cluster;
  const level = facts.backends.streams?.level;
  if (level === undefined)
    return { finding: unknown("NotAskedYet", "NATS has not reported the cluster's level yet") };
  if (level >= LEVEL_KNOWN) return { level, finding: yes("Newest", `level ${level}`) };
  const held = (reason: string, message: string) => ({ level, finding: no(reason, message) });
  const at = `level ${level}, not ${LEVEL_KNOWN}`;
  if (spec.hibernate)
    return held("Hibernating", `${at}: there are no pods that could report the level that they know`);
  if (spec.paused) return held("Paused", `${at}: spec.paused is set`);
  const waits = underWay(facts);
  if (waits !== undefined) return held("RollingOut", `${at}: waits for ${waits}`);
  const levels = levelsOf(facts);
  const to = Math.min(LEVEL_KNOWN, ...levels.map(([, known]) => known ?? level));
  if (to > level) return { to };
  const older = levels.filter(([, known]) => (known ?? level) <= level);
  return held("OlderProcesses", `${at}: ${tellOlder(older)}`);
}

/** The backends' answers, with the level that was written since. */
export const withLevel = (backends: BackendsSeen, level: number | undefined): BackendsSeen =>
  backends.streams === undefined || level === undefined
    ? backends
    : { ...backends, streams: { ...backends.streams, level } };
