import type { Act } from "./drain-act.ts";
import type { DrainMark } from "./drain-mark.ts";
import type { ConnectorPod, Fleet } from "./fleet.ts";
import { isLeaving, mayWait, waitOf } from "./settled.ts";
import { isShedding } from "./sheds.ts";
import { Sorted, isEmpty, isOut, isReleased, isTold } from "./sorted-fleet.ts";

/** A pod whose devices are on their way, told by us or by its own end. */
const isDraining = (pod: ConnectorPod): boolean =>
  pod.isEnding ? (pod.connections ?? 0) > 0 : isTold(pod) && !isEmpty(pod);

/** Whether as many pods as are wanted serve without this one. */
function isSpared(pod: ConnectorPod, { fleet, live, keepers }: Sorted): boolean {
  if (fleet.wanted === 0) return true;
  if (!keepers.some(({ isReady, isRouted }) => isReady && isRouted)) return false;
  if (!pod.isReady) return true;
  const serving = live.filter((one) => one.isReady && !isTold(one) && one.name !== pod.name);
  return serving.length >= fleet.wanted;
}

/** The mark of a pod whose devices are told now. */
const toldMark = ({ why, since }: DrainMark, { now, deadlineMs, perSecond }: Fleet): DrainMark => ({
  why,
  since,
  deadline: now + deadlineMs,
  perSecond,
});

const isFromAhead = ({ deadline = 0 }: DrainMark, { now, deadlineMs }: Fleet): boolean =>
  deadline > now + deadlineMs;

/** The same mark, of a pod whose turn has come now, or is over. */
function turned(mark: DrainMark, turnSince?: number): DrainMark {
  const { turnSince: _, ...rest } = mark;
  return turnSince === undefined ? rest : { ...rest, turnSince };
}

/** Whose turn has come keeps it, in whatever order the pods are seen. */
const turnOf = ({ mark }: ConnectorPod): number => (mark?.turnSince === undefined ? 1 : 0);

/** Those that are to be told now, or wait for their turn, in its order. */
function untold({ live, fleet }: Sorted): readonly (ConnectorPod & { readonly mark: DrainMark })[] {
  return live
    .flatMap((pod) => (pod.mark === undefined ? [] : [{ ...pod, mark: pod.mark }]))
    .filter((pod) => pod.isRunning && !isReleased(pod) && !isTold(pod))
    .filter(({ mark }) => mark.why !== "OldRevision" || fleet.drainsOld)
    .toSorted((a, b) => turnOf(a) - turnOf(b) || a.mark.since - b.mark.since || (a.name < b.name ? -1 : 1));
}

export function telling(sorted: Sorted, released: ReadonlySet<string>, drainsAtOnce: number): readonly Act[] {
  const { fleet, live } = sorted;
  const acts: Act[] = [];
  const told = new Set<string>();
  // Devices that are shed have the same rate. A shed is told to end as soon as a pod is to go.
  let going = fleet.pods.filter((pod) => isDraining(pod) || isShedding(pod, fleet.now)).length;
  const isReleasing = new Set(
    live.filter((pod) => isReleased(pod) || released.has(pod.name)).map(({ revision }) => revision),
  );
  const leaves = released.size > 0 || fleet.pods.some((pod) => isLeaving(pod, fleet.now));
  let isTurn = false;
  for (const pod of untold(sorted)) {
    const { mark, name } = pod;
    const waits = mayWait(pod, fleet);
    if (waits && (leaves || isTurn || going >= drainsAtOnce)) {
      if (mark.turnSince !== undefined) acts.push({ does: "turn", pod: name, mark: turned(mark) });
      continue;
    }
    // It would be deleted in place of the one that is released: see isInTheWay.
    if (isReleasing.has(pod.revision)) continue;
    if (pod.connections !== 0 && going >= drainsAtOnce) continue;
    const others = new Sorted({
      ...fleet,
      pods: fleet.pods.map((one) => (told.has(one.name) ? { ...one, isReady: false } : one)),
    });
    if (!isSpared(pod, others)) continue;
    if (waits) isTurn = true;
    if (waits && mark.turnSince === undefined)
      acts.push({ does: "turn", pod: name, mark: turned(mark, fleet.now) });
    else if (isOut(pod, mark, fleet) && waitOf(pod, fleet) === undefined) {
      if (pod.connections !== 0) going += 1;
      told.add(name);
      acts.push({ does: "tell", pod: name, mark: toldMark(mark, fleet) });
    }
  }
  return acts;
}

/** Deadlines that a clock which was ahead has set, and that would never come, are set again. */
export const tellingAgain = ({ live, fleet }: Sorted): readonly Act[] =>
  live.flatMap((pod): Act[] => {
    const { mark, name } = pod;
    if (mark === undefined || !pod.isRunning || isReleased(pod) || !isTold(pod)) return [];
    return isFromAhead(mark, fleet) ? [{ does: "tell", pod: name, mark: toldMark(mark, fleet) }] : [];
  });
