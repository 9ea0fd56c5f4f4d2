import type { RolloutTold } from "../crd/status.ts";
import type { Blocked } from "./gates.ts";

/** The state of a rollout: its whole memory, and what people read in the status. */
export type Rollout = RolloutTold;
export type Phase = Rollout["phase"];
/** A revision of connectors, and the version that its image names. */
export type Target = Rollout["to"];

/** More gates, and longer messages, are cut: a status has a size. */
const BLOCKED_MAX = 8;
const MESSAGE_MAX = 512;

/** The revision that was begun serves, or is about to. */
const FORWARD: ReadonlySet<Phase> = new Set(["Connectors", "Soaking", "Done"]);
/** Devices may be sent elsewhere, or the processes behind them restart. */
const MOVING: ReadonlySet<Phase> = new Set(["Backends", "Connectors", "RollingBack"]);

export const isForward = ({ phase }: Rollout): boolean => FORWARD.has(phase);
export const isMoving = ({ phase }: Rollout): boolean => MOVING.has(phase);
/** Nothing of it is under way. */
export const isAtRest = ({ phase }: Rollout): boolean => phase === "Done" || phase === "RolledBack";

const cut = (text: string): string =>
  text.length <= MESSAGE_MAX ? text : `${text.slice(0, MESSAGE_MAX - 1)}…`;

/** A time of day as the status has it. */
export const timeOf = (ms: number): string => new Date(ms).toISOString();

/** How long ago that was. A time that lies ahead is of a clock that was wrong: it is as good as now. */
export const sinceOf = (time: string, now: number): number => Math.max(0, now - Date.parse(time));

/** The same rollout in another phase. */
export function entering(rollout: Rollout, phase: Phase, now: number, message = ""): Rollout {
  const { progress: _, ...stays } = rollout;
  return { ...stays, phase, phaseSince: timeOf(now), blockedBy: [], message: cut(message) };
}

/** The same rollout, and what it waits for. */
export const waiting = (rollout: Rollout, message: string, blockedBy: readonly Blocked[] = []): Rollout => ({
  ...rollout,
  message: cut(message),
  blockedBy: blockedBy.slice(0, BLOCKED_MAX).map(({ gate, message: why }) => ({ gate, message: cut(why) })),
});

/** Waits for one thing, by its name. */
export const blocked = (rollout: Rollout, gate: string, message: string): Rollout =>
  waiting(rollout, message, [{ gate, message }]);

/** Nothing is under way, and this revision is what is wanted. */
export const atRest = (to: Target, now: number, message = ""): Rollout => ({
  phase: "Done",
  from: to,
  to,
  startedAt: timeOf(now),
  phaseSince: timeOf(now),
  blockedBy: [],
  message: cut(message),
});

export const begun = (from: Target, to: Target, now: number): Rollout => ({
  phase: "Preflight",
  from,
  to,
  startedAt: timeOf(now),
  phaseSince: timeOf(now),
  blockedBy: [],
  message: "",
});

/** The revision that was begun is taken back, and why. */
export const backing = (rollout: Rollout, reason: string, now: number): Rollout => ({
  ...entering(rollout, "RollingBack", now, reason),
  failed: { ...rollout.to, reason: cut(reason), at: timeOf(now) },
});

/** What a rollout makes of the ChatCluster meanwhile. */
export interface Steering {
  /** The revision of which connectors are to be. */
  readonly current: string;
  /** Whether connectors of other revisions may be told to go. */
  readonly drainsOld: boolean;
  /** Whether they go as soon as they can: they harm who is connected to them. */
  readonly isUrgent: boolean;
  /** The other components, and a schema, are of the version that served. */
  readonly holdsVersion: boolean;
  /** Whether the schema may be brought up. */
  readonly migrates: boolean;
  readonly wantsCanary: boolean;
  /** A revision that is kept, even with no pods, so that there is a way back. */
  readonly keeps: string | undefined;
}

const HELD: ReadonlySet<Phase> = new Set([
  "Preflight",
  "Migrating",
  "Canary",
  "Waiting",
  "RollingBack",
  "RolledBack",
]);

export function steeringOf(rollout: Rollout): Steering {
  const { phase, from, to, blockedBy } = rollout;
  return {
    current: (isForward(rollout) ? to : from).revision,
    isUrgent: phase === "RollingBack",
    drainsOld: phase !== "Connectors" || blockedBy.length === 0,
    holdsVersion: HELD.has(phase),
    migrates: phase !== "Preflight" && phase !== "RollingBack" && phase !== "RolledBack",
    wantsCanary: phase === "Canary" || phase === "Waiting",
    keeps: phase === "Connectors" || phase === "Soaking" ? from.revision : undefined,
  };
}
