import type { ConnectorPod, Fleet } from "./fleet.ts";
import { keepersOf } from "./fleet.ts";

/**
 * When devices are told to move, as far as that is a matter of choice. A pod's start and its end take the
 * cores of its node for some seconds, and a process that has just started has compiled nothing. Sends of who
 * moves then wait for all of that.
 */

/** From then on a connector that has become ready serves as fast as the others. */
const SETTLED_MS = 10_000;
/** A connector that is not ready by then may never be. */
const STARTS_MS = 20_000;
/** After what moved or ended last, a node's cores need some time. */
const REST_MS = 5_000;
/**
 * Nobody waits longer than that for connectors that start again and again. The rest, the proxies and a pod's
 * end come on top of it: together they are shorter than any `rollout.progressDeadlineSeconds`.
 */
const WAIT_MAX_MS = 30_000;
/** A pod that was released and is deleted is gone by then, or is on a node that is lost. */
const LEAVES_MAX_MS = 15_000;

/** Whether that much time has passed since then. A time that lies ahead is of a clock that was wrong. */
export const hasPassed = (now: number, since: number, ms: number): boolean => Math.abs(now - since) >= ms;

/** Whether it became ready a moment ago, or is about to. */
const isUnsettled = ({ isReady, readyChangedAt }: ConnectorPod, now: number): boolean =>
  readyChangedAt !== undefined && !hasPassed(now, readyChangedAt, isReady ? SETTLED_MS : STARTS_MS);

/** The connectors that devices may come to, and better would not yet. */
export const unsettledOf = ({ pods, now }: Pick<Fleet, "now" | "pods">): readonly ConnectorPod[] =>
  keepersOf(pods).filter((pod) => isUnsettled(pod, now));

/** Whether it was released, and its end is not over. Until that begins its controller is waited for. */
export const isLeaving = ({ mark, isEnding }: ConnectorPod, now: number): boolean =>
  mark?.goesSince !== undefined && (!isEnding || !hasPassed(now, mark.goesSince, LEAVES_MAX_MS));

/**
 * Whether its devices may as well be told later. Those of a pod that is not ready are served badly, those
 * that were told once have to be told again, and a person who asks for a drain has a reason.
 */
export const mayWait = ({ mark, isReady, connections }: ConnectorPod, { isUrgent }: Fleet): boolean =>
  mark !== undefined &&
  mark.why !== "Asked" &&
  mark.deadline === undefined &&
  isReady &&
  connections !== 0 &&
  !isUrgent;

/** What the drain of this pod waits for once its turn has come, for people; undefined if for nothing. */
export function waitOf(pod: ConnectorPod, fleet: Fleet): string | undefined {
  const turnSince = pod.mark?.turnSince;
  if (turnSince === undefined || !mayWait(pod, fleet)) return undefined;
  if (!hasPassed(fleet.now, turnSince, REST_MS))
    return `${REST_MS / 1_000} s of rest after the last connector moved its devices or ended`;
  if (unsettledOf(fleet).length === 0 || hasPassed(fleet.now, turnSince, WAIT_MAX_MS)) return undefined;
  return `the connectors that take its devices, until they have been ready for ${SETTLED_MS / 1_000} s`;
}
