import type { DrainMark } from "./drain-mark.ts";
import type { ConnectorPod, Fleet, Revision } from "./fleet.ts";
import { keepersOf } from "./fleet.ts";
import { hasPassed } from "./settled.ts";

/** Proxies on the nodes follow an EndpointSlice by a moment. */
const PROXIES_MS = 3_000;

/** From this many ready pods of the current revision on, old ones leave the Service. */
export const enoughOf = (wanted: number): number => Math.max(1, Math.ceil(wanted / 2));

/** One that says that it does not drain forgot it when its container started again, or never heard of it. */
export const isTold = ({ mark, drain }: ConnectorPod): boolean =>
  mark?.deadline !== undefined && drain !== "none";
export const isReleased = ({ mark }: ConnectorPod): boolean => mark?.to !== undefined;

/** Whether the pod has no devices, and none can come. */
export const isEmpty = (pod: ConnectorPod): boolean =>
  !pod.isRunning || (isTold(pod) && pod.connections === 0 && pod.drain !== "waiting");

/** Whether no new device comes to it any more. */
export const isOut = ({ isInService, isRouted }: ConnectorPod, { since }: DrainMark, fleet: Fleet): boolean =>
  !isInService && !isRouted && hasPassed(fleet.now, since, PROXIES_MS);

/**
 * The replicas that have a pod. Pods and their number are seen at different times: the higher one counts. A
 * controller that has not seen the replicas yet is about to make pods.
 */
export const thereOf = ({ replicas, counted, isSeen }: Revision, pods: readonly ConnectorPod[]): number =>
  isSeen ? Math.min(replicas, Math.max(pods.length, counted)) : replicas;

/** The pods by what becomes of them in this pass. */
export class Sorted {
  readonly fleet: Fleet;
  readonly live: readonly ConnectorPod[];
  readonly keepers: readonly ConnectorPod[];
  readonly current: readonly ConnectorPod[];
  readonly old: readonly ConnectorPod[];
  readonly readyCurrent: number;
  /** The old revision that has most of those who serve. */
  readonly serving: string | undefined;

  constructor(fleet: Fleet) {
    this.fleet = fleet;
    this.live = fleet.pods.filter(({ isEnding }) => !isEnding);
    this.keepers = keepersOf(fleet.pods);
    this.current = this.keepers.filter(({ revision }) => revision === fleet.current);
    this.old = this.keepers.filter(({ revision }) => revision !== fleet.current);
    this.readyCurrent = this.current.filter(({ isReady }) => isReady).length;
    const counts = new Map<string, number>();
    for (const pod of this.live)
      if (pod.revision !== fleet.current && (pod.isReady || isTold(pod)))
        counts.set(pod.revision, (counts.get(pod.revision) ?? 0) + 1);
    [this.serving] = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([name]) => name);
  }

  /** Whether old revisions leave the Service: before any device is told to go, so that it moves once. */
  get drainsOld(): boolean {
    const { wanted, drainsOld } = this.fleet;
    return drainsOld && (wanted === 0 || this.readyCurrent >= enoughOf(wanted));
  }

  /**
   * Whether those that have left it come back. Later than `drainsOld` ends, so that nothing flaps. A rollout
   * that holds leaves them where they are: their devices would move twice.
   */
  get keepsOld(): boolean {
    const { wanted } = this.fleet;
    return wanted > 0 && this.readyCurrent < Math.max(1, Math.floor(enoughOf(wanted) / 2));
  }
}
