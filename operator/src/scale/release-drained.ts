import type { Act } from "./drain-act.ts";
import type { ConnectorPod, Fleet } from "./fleet.ts";
import { hasPassed } from "./settled.ts";
import type { Sorted } from "./sorted-fleet.ts";
import { isEmpty, isOut, isReleased, isTold, thereOf } from "./sorted-fleet.ts";

/** A connector closes the last devices at its own deadline. It is asked once more after that. */
const SLACK_MS = 2_000;
/** This long after its deadline, a pod goes even if another one of its revision may be deleted for it. */
const PATIENCE_MS = 30_000;
/** After this time, a pod that was to be deleted and still is there was passed over. */
const VERIFY_MS = 5_000;

/**
 * Whether its controller could delete this pod in place of the one that is released: it deletes what is not
 * ready first. Devices would be cut off.
 */
const isInTheWay = (pod: ConnectorPod): boolean =>
  pod.isRunning && pod.connections !== 0 && (!pod.isReady || isTold(pod));

/** Whether the pod may go now, beside the other pods of its revision. */
function isRipe(pod: ConnectorPod, others: readonly ConnectorPod[], fleet: Fleet): boolean {
  const { mark } = pod;
  if (mark === undefined || (pod.isRunning && !isTold(pod))) return false;
  // It may have started since it was seen, and have got devices before it left the Service.
  if (!isOut(pod, mark, fleet)) return false;
  // So may a container that has just ended: an EndpointSlice follows by a moment.
  const { isRunning, readyChangedAt } = pod;
  if (!isRunning && readyChangedAt !== undefined && !hasPassed(fleet.now, readyChangedAt, VERIFY_MS))
    return false;
  const overdue = mark.deadline === undefined ? Number.NEGATIVE_INFINITY : fleet.now - mark.deadline;
  if (!isEmpty(pod) && overdue < SLACK_MS) return false;
  // The kubelet reports later that it is not ready.
  const isSure = !(pod.isRunning && pod.isReady) && !others.some(isInTheWay);
  return isSure || overdue >= PATIENCE_MS;
}

/** The pods that may go: one of each revision at a time, so that it can be seen which one went. */
export function releases({ fleet, live }: Sorted): readonly Act[] {
  return fleet.revisions.flatMap((revision): Act[] => {
    const pods = live.filter((pod) => pod.revision === revision.name);
    // With more pods than replicas, or with new replicas, its controller is about to choose one itself.
    if (pods.some(isReleased) || pods.length > revision.replicas || !revision.isSeen) return [];
    const ripe = pods.find((pod) =>
      isRipe(
        pod,
        pods.filter((one) => one !== pod),
        fleet,
      ),
    );
    if (ripe?.mark === undefined) return [];
    const to = Math.max(0, thereOf(revision, pods) - 1);
    const forced = isEmpty(ripe) || ripe.connections === 0 ? {} : { forced: ripe.connections ?? 0 };
    const mark = { ...ripe.mark, to, goesSince: fleet.now, ...forced };
    return [{ does: "release", pod: ripe.name, mark }];
  });
}

/** Pods that were to be deleted, and in whose place another one was. */
export function passedOver({ fleet, live }: Sorted): readonly Act[] {
  return live.flatMap(({ name, revision: of, mark }): Act[] => {
    const revision = fleet.revisions.find((one) => one.name === of);
    if (mark?.to === undefined || revision === undefined) return [];
    const isSettled = revision.isSeen && revision.replicas <= mark.to && revision.counted <= mark.to;
    return isSettled && hasPassed(fleet.now, mark.goesSince ?? 0, VERIFY_MS)
      ? [{ does: "undo", pod: name, isWrong: true }]
      : [];
  });
}
