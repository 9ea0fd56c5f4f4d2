import type { CanaryVerdict } from "./canary.ts";
import type { Blocked, Gate } from "./gates.ts";
import type { Rollout, Target } from "./rollout-state.ts";
import {
  atRest,
  backing,
  begun,
  blocked,
  entering,
  isAtRest,
  isForward,
  sinceOf,
  timeOf,
  waiting,
} from "./rollout-state.ts";

/** What there is of one revision of connectors. */
export interface RevisionSeen extends Target {
  /** Pods that take new devices, or could. */
  readonly ready: number;
  /** All pods, those that end included. */
  readonly pods: number;
}

export interface RolloutRules {
  readonly mode: "Automatic" | "Supervised";
  readonly progressDeadlineMs: number;
  readonly soakMs: number;
}

/** Everything that a decision about a rollout rests on, at one moment. */
export interface RolloutFacts {
  /** Time of day, in ms. */
  readonly now: number;
  /** The revision that the spec asks for. */
  readonly to: Target;
  /** The revisions that have a Deployment. */
  readonly revisions: readonly RevisionSeen[];
  /** How many connectors are wanted. */
  readonly wanted: number;
  readonly rules: RolloutRules;
  readonly isAsleep: boolean;
  readonly isPaused: boolean;
  /** What is in the way of going on from that revision, before anything begins. */
  readonly objections: (from: Target) => readonly Blocked[];
  readonly schema: "done" | "failed" | "running" | "absent";
  /** Images without which the schema's Job cannot start, for people. */
  readonly unpulled?: string;
  /** What the canary of `to` has shown. */
  readonly canary: CanaryVerdict;
  /** Whether devices of some connector are on their way, within the time that they have. */
  readonly isDraining: boolean;
  /** What the next drain of some connector waits for, for people. */
  readonly drainWaitsFor?: string;
  /** The other components that do not run the new version completely, as people read them. */
  readonly unsettled: readonly string[];
  readonly gates: readonly Blocked[];
  /** Whether this rollout may move devices now, beside those of other ChatClusters. */
  readonly hasSlot: (rollout: Rollout) => boolean;
  /** Revisions that a person named: to go on to it, and to leave it. */
  readonly promote?: string;
  readonly rollback?: string;
}

/** Phases that one pass may go through; there are fewer. */
const STEPS_MAX = 12;
const PROMOTION = "Promotion";
const SLOT = "Slot";
const SCHEMA = "Schema";
/** How the new revision does. The other gates are about moving devices, and none move any more. */
const SOAK_GATES: ReadonlySet<string> = new Set<Gate>(["ReconnectSuccess", "ErrorRate"]);

const seenOf = ({ revisions }: RolloutFacts, { revision }: Target): RevisionSeen | undefined =>
  revisions.find((one) => one.revision === revision);

/** The other revision that most ready pods have. */
function servingOf({ revisions }: RolloutFacts): Target | undefined {
  const [most] = revisions
    .filter(({ ready }) => ready > 0)
    .sort((a, b) => b.ready - a.ready || (a.revision < b.revision ? -1 : 1));
  return most === undefined ? undefined : { version: most.version, revision: most.revision };
}

/**
 * The way from what serves to what is wanted: from `base`, or from another revision if that one has no ready
 * pod. Where nothing serves there is nothing to be careful of.
 */
function start(base: Target | undefined, facts: RolloutFacts): Rollout {
  const { to, now, isAsleep } = facts;
  if (isAsleep || base?.revision === to.revision) return atRest(to, now);
  const serves = base !== undefined && (seenOf(facts, base)?.ready ?? 0) > 0;
  const from = serves ? base : servingOf(facts);
  return from === undefined || from.revision === to.revision ? atRest(to, now) : begun(from, to, now);
}

/** The way back takes longer than any progress may. */
const isStuck = ({ phase, phaseSince }: Rollout, { now, rules }: RolloutFacts): boolean =>
  phase === "RollingBack" && sinceOf(phaseSince, now) >= rules.progressDeadlineMs;

const podsBeside = ({ revisions }: RolloutFacts, { revision }: Target): number =>
  revisions.filter((one) => one.revision !== revision).reduce((sum, { pods }) => sum + pods, 0);

/** Every connector that is wanted is of the new revision, and no other is left. */
const isComplete = ({ to }: Rollout, facts: RolloutFacts): boolean =>
  (seenOf(facts, to)?.ready ?? 0) >= facts.wanted && podsBeside(facts, to) === 0;

/** What was begun is not wanted any more. */
function retargeted(rollout: Rollout, facts: RolloutFacts): Rollout {
  switch (rollout.phase) {
    case "Done":
    case "Soaking":
      return start(rollout.to, facts);
    case "RollingBack":
      // What served may never come back: then the spec is the way out.
      return isStuck(rollout, facts) ? start(rollout.from, facts) : rollout;
    case "Connectors": {
      // All devices are there already: to take them back would move them twice.
      if (isComplete(rollout, facts)) return start(rollout.to, facts);
      // Half of two revisions would be three soon: the half that came goes first.
      if ((seenOf(facts, rollout.to)?.pods ?? 0) === 0) return start(rollout.from, facts);
      return entering(rollout, "RollingBack", facts.now, "the spec has changed meanwhile");
    }
    default:
      return start(rollout.from, facts);
  }
}

/** A person's word about exactly this revision. It counts once: whoever wrote it may leave it there. */
function told(rollout: Rollout, facts: RolloutFacts): Rollout {
  const { promote, rollback, now } = facts;
  const { phase, isPromoted } = rollout;
  const { revision } = rollout.to;
  if (rollback === revision && !isAtRest(rollout) && phase !== "RollingBack")
    return backing(rollout, "a person asked for it", now);
  if (promote !== revision) {
    if (phase !== "RolledBack" || isPromoted === undefined) return rollout;
    const { isPromoted: _, ...unsaid } = rollout;
    return unsaid;
  }
  if (isPromoted === true || phase === "Done") return rollout;
  if (phase === "RollingBack" && !isStuck(rollout, facts)) return rollout;
  const isFailed = phase === "RolledBack" || phase === "RollingBack";
  return { ...(isFailed ? begun(rollout.from, rollout.to, now) : rollout), isPromoted: true };
}

/** What is left to do in this phase. */
function leftOf(rollout: Rollout, facts: RolloutFacts): { readonly missing: number; readonly old: number } {
  if (rollout.phase === "Backends") return { missing: facts.unsettled.length, old: 0 };
  if (rollout.phase !== "Connectors") return { missing: 0, old: 0 };
  const ready = seenOf(facts, rollout.to)?.ready ?? 0;
  return { missing: Math.max(0, facts.wanted - ready), old: podsBeside(facts, rollout.to) };
}

/** Keeps the time of the last progress: less is left than ever before, or devices are on their way. */
function measured(rollout: Rollout, facts: RolloutFacts): Rollout {
  const is = leftOf(rollout, facts);
  const at = timeOf(facts.now);
  const { progress: best } = rollout;
  if (best === undefined || Date.parse(best.at) > facts.now) return { ...rollout, progress: { ...is, at } };
  const isBetter = is.missing < best.missing || is.old < best.old;
  if (!isBetter && !(rollout.phase === "Connectors" && facts.isDraining)) return rollout;
  const missing = Math.min(is.missing, best.missing);
  return { ...rollout, progress: { missing, old: Math.min(is.old, best.old), at } };
}

/** Why it is taken back: nothing has moved for longer than the spec allows. */
function overdue({ progress, phase, blockedBy, message }: Rollout, { now, rules }: RolloutFacts) {
  const { progressDeadlineMs } = rules;
  if (progress === undefined || sinceOf(progress.at, now) < progressDeadlineMs) return undefined;
  const why = blockedBy.map(({ gate, message: one }) => `${gate}: ${one}`).join("; ");
  return `no progress in phase ${phase} for ${Math.round(progressDeadlineMs / 1_000)} s: ${why === "" ? message : why}`;
}

/** A schema may take its time. A Job whose image cannot be pulled has none. */
function inMigrating(rollout: Rollout, facts: RolloutFacts): Rollout {
  const { now, schema, unpulled } = facts;
  if (schema === "done") return entering(rollout, "Canary", now);
  if (schema === "failed") return blocked(rollout, SCHEMA, "the Job that migrates ClickHouse failed");
  if (unpulled === undefined) {
    const { progress: _, ...rest } = rollout;
    return waiting(rest, "ClickHouse's schema is brought up");
  }
  const message = `the Job that migrates ClickHouse cannot start: ${unpulled}`;
  const next = blocked(measured(rollout, facts), SCHEMA, message);
  const late = overdue(next, facts);
  return late === undefined ? next : backing(rollout, late, now);
}

function inCanary(rollout: Rollout, facts: RolloutFacts): Rollout {
  const { canary, now } = facts;
  if (canary.state === "failed") return backing(rollout, `canary failed: ${canary.message}`, now);
  if (canary.state === "proven") return entering(rollout, "Waiting", now);
  const next = waiting(measured(rollout, facts), canary.message);
  const late = overdue(next, facts);
  return late === undefined ? next : backing(rollout, `canary failed: ${late}`, now);
}

function inWaiting(rollout: Rollout, facts: RolloutFacts): Rollout {
  const { canary, rules, now } = facts;
  if (canary.state === "failed") return backing(rollout, `canary failed: ${canary.message}`, now);
  if (rules.mode === "Supervised" && rollout.isPromoted !== true)
    return blocked(
      rollout,
      PROMOTION,
      "the canary is proven, and a person has to let the rollout go on: kubectl chat promote",
    );
  if (!facts.hasSlot(waiting(rollout, "")))
    return blocked(rollout, SLOT, "as many other ChatClusters move their devices as may at once");
  return entering(rollout, "Backends", now);
}

/** Goes on once `isOver`; is held without a slot; is taken back if nothing moves. */
function moving(
  rollout: Rollout,
  facts: RolloutFacts,
  { isOver, message, gates }: { isOver: boolean; message: string; gates: readonly Blocked[] },
): Rollout {
  const { now, rules } = facts;
  if (isOver)
    return rollout.phase === "Backends"
      ? entering(rollout, "Connectors", now)
      : entering(rollout, "Soaking", now, `soaks for ${Math.round(rules.soakMs / 1_000)} s`);
  if (!facts.hasSlot(rollout)) {
    const { progress: _, ...rest } = rollout;
    return blocked(rest, SLOT, "as many other ChatClusters move their devices as may at once");
  }
  const next = waiting(measured(rollout, facts), message, gates);
  const late = overdue(next, facts);
  return late === undefined ? next : backing(rollout, late, now);
}

function inConnectors(rollout: Rollout, facts: RolloutFacts): Rollout {
  const { wanted, drainWaitsFor } = facts;
  const ready = seenOf(facts, rollout.to)?.ready ?? 0;
  const old = podsBeside(facts, rollout.to);
  const waits = drainWaitsFor === undefined ? "" : `; the next drain waits for ${drainWaitsFor}`;
  return moving(rollout, facts, {
    isOver: isComplete(rollout, facts),
    message: `${ready} of ${wanted} new connectors are ready, ${old} old ones are left${waits}`,
    gates: old === 0 ? [] : facts.gates,
  });
}

/**
 * Over once the time has passed, every connector that is wanted is ready, and the new revision does no harm.
 * What does not come about until the deadline is taken back.
 */
function inSoak(rollout: Rollout, facts: RolloutFacts): Rollout {
  const { now, wanted, rules, gates } = facts;
  if (sinceOf(rollout.phaseSince, now) < rules.soakMs) return rollout;
  const ready = seenOf(facts, rollout.to)?.ready ?? 0;
  const closed = gates.filter(({ gate }) => SOAK_GATES.has(gate));
  if (ready >= wanted && closed.length === 0) return entering(rollout, "Done", now);
  const message = `${ready} of ${wanted} connectors are ready at the end of the soak`;
  const next = waiting(measured(rollout, facts), message, closed);
  const late = overdue(next, facts);
  return late === undefined ? next : backing(rollout, late, now);
}

function inRollback(rollout: Rollout, facts: RolloutFacts): Rollout {
  if (podsBeside(facts, rollout.from) > 0) return rollout;
  return { ...rollout, phase: "RolledBack", phaseSince: timeOf(facts.now), blockedBy: [] };
}

function stepped(rollout: Rollout, facts: RolloutFacts): Rollout {
  const { now } = facts;
  switch (rollout.phase) {
    case "Preflight": {
      const objections = facts.objections(rollout.from);
      if (objections.length === 0) return entering(rollout, "Migrating", now);
      return waiting(rollout, objections.map(({ message }) => message).join("; "), objections);
    }
    case "Migrating":
      return inMigrating(rollout, facts);
    case "Canary":
      return inCanary(rollout, facts);
    case "Waiting":
      return inWaiting(rollout, facts);
    case "Backends": {
      const { unsettled } = facts;
      const message = unsettled.length === 0 ? "" : `waits for ${unsettled.join(", ")}`;
      return moving(rollout, facts, { isOver: unsettled.length === 0, message, gates: [] });
    }
    case "Connectors":
      return inConnectors(rollout, facts);
    case "Soaking":
      return inSoak(rollout, facts);
    case "RollingBack":
      return inRollback(rollout, facts);
    case "RolledBack":
      // Nothing failed: the spec asked for another revision for a while.
      return rollout.failed === undefined ? start(rollout.from, facts) : rollout;
    case "Done":
      return rollout;
  }
}

/** One step: the spec first, then what people say, then what there is. */
function next(rollout: Rollout, facts: RolloutFacts): Rollout {
  const { to, isAsleep, now } = facts;
  if (isAsleep) {
    if (rollout.phase === "RollingBack" && rollout.failed !== undefined)
      return entering(rollout, "RolledBack", now, rollout.message);
    return rollout.phase === "RolledBack" ? rollout : atRest(to, now);
  }
  if (rollout.to.revision !== to.revision) {
    const other = retargeted(rollout, facts);
    if (other !== rollout) return other;
  }
  // Who served is gone, by somebody else's hand: there is no way back, only forward.
  if (!isForward(rollout) && seenOf(facts, rollout.from) === undefined)
    return atRest(to, now, "the revision that served is not there any more");
  const word = told(rollout, facts);
  return word === rollout ? stepped(rollout, facts) : word;
}

const isSame = (a: Rollout, b: Rollout): boolean => a.phase === b.phase && a.to.revision === b.to.revision;

/**
 * Where the rollout stands now. It goes through as many phases as there is nothing to wait for in. The same
 * facts lead to the same answer, so an operator that died is followed by one that goes on.
 */
export function rolloutOf(before: Rollout | undefined, facts: RolloutFacts): Rollout {
  if (before === undefined) return start(servingOf(facts), facts);
  if (facts.isPaused) {
    const { progress: _, ...held } = before;
    return held;
  }
  // A time that lies ahead is of a clock that was wrong.
  const isAhead = Date.parse(before.phaseSince) > facts.now;
  let rollout = isAhead ? { ...before, phaseSince: timeOf(facts.now) } : before;
  for (let step = 0; step < STEPS_MAX; step += 1) {
    const after = next(rollout, facts);
    if (isSame(after, rollout) && after.isPromoted === rollout.isPromoted) return after;
    rollout = after;
  }
  return rollout;
}
