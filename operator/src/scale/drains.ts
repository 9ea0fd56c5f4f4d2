import type { DrainMark, Why } from "./drain-mark.ts";
import type { ConnectorPod, Fleet, Revision } from "./fleet.ts";
import { keepersOf } from "./fleet.ts";
import { hasPassed, isLeaving, mayWait, waitOf } from "./settled.ts";
import { isShedding } from "./sheds.ts";
import { victimsOf } from "./victims.ts";

/** One thing to do with one pod. Each is safe to do again, and to leave half done: the next pass goes on. */
export type Act =
  /** Take it out of the Service, and let it be the first that its controller deletes. */
  | { readonly does: "mark"; readonly pod: string; readonly mark: DrainMark }
  /** Note in its mark that it is the next that is told, or that it is not any more. */
  | { readonly does: "turn"; readonly pod: string; readonly mark: DrainMark }
  /** Tell its devices to go. */
  | { readonly does: "tell"; readonly pod: string; readonly mark: DrainMark }
  /** It may go: the next pass lowers the replicas to `mark.to`. */
  | { readonly does: "release"; readonly pod: string; readonly mark: DrainMark }
  /** It stays after all. `isWrong`: another pod was deleted in its place. */
  | { readonly does: "undo"; readonly pod: string; readonly isWrong: boolean }
  /** It is nobody's victim and lacks the label of the Service: an older operator made it. */
  | { readonly does: "route"; readonly pod: string };

export interface DrainPlan {
  readonly acts: readonly Act[];
  /** The replicas of each revision, by the name of its Deployment. */
  readonly replicas: ReadonlyMap<string, number>;
  /** Something is going on that only time ends: look again soon. */
  readonly isOpen: boolean;
}

/** Of a ChatCluster that has no connectors to look after. */
export const NO_DRAINS: DrainPlan = { acts: [], replicas: new Map(), isOpen: false };

/**
 * One at a time: so the rate of one drain is the rate of all, and each takes as long as its own devices
 * need.
 */
export const DRAINS_AT_ONCE = 1;
/** Proxies on the nodes follow an EndpointSlice by a moment. */
const PROXIES_MS = 3_000;
/** A connector closes the last devices at its own deadline. It is asked once more after that. */
const SLACK_MS = 2_000;
/** This long after its deadline, a pod goes even if another one of its revision may be deleted for it. */
const PATIENCE_MS = 30_000;
/** After this time, a pod that was to be deleted and still is there was passed over. */
const VERIFY_MS = 5_000;

/** From this many ready pods of the current revision on, old ones leave the Service. */
export const enoughOf = (wanted: number): number => Math.max(1, Math.ceil(wanted / 2));

/** One that says that it does not drain forgot it when its container started again, or never heard of it. */
const isTold = ({ mark, drain }: ConnectorPod): boolean => mark?.deadline !== undefined && drain !== "none";
const isReleased = ({ mark }: ConnectorPod): boolean => mark?.to !== undefined;

/** Whether the pod has no devices, and none can come. */
const isEmpty = (pod: ConnectorPod): boolean =>
  !pod.isRunning || (isTold(pod) && pod.connections === 0 && pod.drain !== "waiting");

/** A pod whose devices are on their way, told by us or by its own end. */
const isDraining = (pod: ConnectorPod): boolean =>
  pod.isEnding ? (pod.connections ?? 0) > 0 : isTold(pod) && !isEmpty(pod);

/** The pods by what becomes of them in this pass. */
class Sorted {
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

function marks({ fleet, live, current, old, drainsOld, serving }: Sorted): readonly Act[] {
  const mark = (why: Why) => (pod: ConnectorPod) =>
    ({ does: "mark", pod: pod.name, mark: { why, since: fleet.now } }) as const;
  const excess = victimsOf(current, current.length - fleet.currentMax, fleet.current);
  // What never became ready is no use while another old revision serves.
  const broken = old.filter(({ isReady, revision }) => !isReady && revision !== serving);
  const useful = serving === undefined ? old : old.filter((pod) => !broken.includes(pod));
  const beyond = victimsOf(useful, useful.length - fleet.wanted, fleet.current);
  const surplus = drainsOld ? old : [...(serving === undefined ? [] : broken), ...beyond];
  // A person may have written the mark alone.
  const asked = live.flatMap(({ name, mark: own, isRouted }): Act[] =>
    own !== undefined && isRouted ? [{ does: "mark", pod: name, mark: own }] : [],
  );
  return [
    ...asked,
    ...excess.map(mark("ScaleIn")),
    ...surplus.map(mark(drainsOld ? "OldRevision" : "ScaleIn")),
  ];
}

/** Victims that are needed again: those who are told last have the most devices left. */
function undos({ fleet, live, current, old, keepsOld, drainsOld, serving }: Sorted): readonly Act[] {
  const marked = live
    .filter((pod) => pod.mark !== undefined && pod.mark.why !== "Asked" && !isReleased(pod))
    .toSorted((a, b) => Number(isTold(a)) - Number(isTold(b)) || (b.connections ?? 0) - (a.connections ?? 0));
  const ours = marked.filter(({ revision }) => revision === fleet.current);
  const theirs = marked.filter(
    ({ revision, isReady }) => revision !== fleet.current && (isReady || revision === serving),
  );
  const short = Math.max(0, fleet.currentMax - current.length);
  const isKept = keepsOld && !drainsOld;
  const missing = isKept ? Math.max(0, fleet.wanted - old.length) : 0;
  return [...ours.slice(0, short), ...theirs.slice(0, missing)].map((pod) => ({
    does: "undo",
    pod: pod.name,
    isWrong: false,
  }));
}

const routes = ({ keepers }: Sorted): readonly Act[] =>
  keepers.filter(({ isRouted }) => !isRouted).map(({ name }) => ({ does: "route", pod: name }));

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

/** Whether no new device comes to it any more. */
const isOut = ({ isInService, isRouted }: ConnectorPod, { since }: DrainMark, fleet: Fleet): boolean =>
  !isInService && !isRouted && hasPassed(fleet.now, since, PROXIES_MS);

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

function telling(sorted: Sorted, released: ReadonlySet<string>, drainsAtOnce: number): readonly Act[] {
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
const tellingAgain = ({ live, fleet }: Sorted): readonly Act[] =>
  live.flatMap((pod): Act[] => {
    const { mark, name } = pod;
    if (mark === undefined || !pod.isRunning || isReleased(pod) || !isTold(pod)) return [];
    return isFromAhead(mark, fleet) ? [{ does: "tell", pod: name, mark: toldMark(mark, fleet) }] : [];
  });

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
function releases({ fleet, live }: Sorted): readonly Act[] {
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
function passedOver({ fleet, live }: Sorted): readonly Act[] {
  return live.flatMap(({ name, revision: of, mark }): Act[] => {
    const revision = fleet.revisions.find((one) => one.name === of);
    if (mark?.to === undefined || revision === undefined) return [];
    const isSettled = revision.isSeen && revision.replicas <= mark.to && revision.counted <= mark.to;
    return isSettled && hasPassed(fleet.now, mark.goesSince ?? 0, VERIFY_MS)
      ? [{ does: "undo", pod: name, isWrong: true }]
      : [];
  });
}

/**
 * The replicas that have a pod. Pods and their number are seen at different times: the higher one counts. A
 * controller that has not seen the replicas yet is about to make pods.
 */
const thereOf = ({ replicas, counted, isSeen }: Revision, pods: readonly ConnectorPod[]): number =>
  isSeen ? Math.min(replicas, Math.max(pods.length, counted)) : replicas;

function replicasOf({
  fleet,
  live,
  old,
  drainsOld,
  readyCurrent,
  serving,
}: Sorted): ReadonlyMap<string, number> {
  const { wanted, current, currentMax, revisions } = fleet;
  return new Map(
    revisions.map((revision): [string, number] => {
      const { name, replicas } = revision;
      const pods = live.filter((pod) => pod.revision === name);
      const released = pods.flatMap(({ mark }) => mark?.to ?? []);
      // Lowered only to what a released pod says: a pass that sees an old state lowers nothing twice.
      if (released.length > 0) return [name, Math.min(replicas, ...released)];
      const victims = pods.filter(({ mark }) => mark !== undefined).length;
      const there = thereOf(revision, pods);
      if (name === current) return [name, Math.max(there, currentMax + victims)];
      // The revision that serves is scaled while the current one cannot take over.
      if (name !== serving || drainsOld) return [name, there];
      const isShort = readyCurrent === 0 && pods.length >= replicas;
      return [name, replicas + (isShort ? Math.max(0, wanted - old.length) : 0)];
    }),
  );
}

/**
 * What to do now with each connector that is to go, and how many replicas each revision has meanwhile. Only
 * the pods say how far a drain is: whoever decides may have been started a moment ago.
 */
export function drainsOf(fleet: Fleet, { drainsAtOnce = DRAINS_AT_ONCE } = {}): DrainPlan {
  const sorted = new Sorted(fleet);
  const back = [...undos(sorted), ...passedOver(sorted)];
  const isBack = new Set(back.map(({ pod }) => pod));
  const released = releases(sorted);
  const told = telling(sorted, new Set(released.map(({ pod }) => pod)), drainsAtOnce);
  const further = [...tellingAgain(sorted), ...told, ...released].filter(({ pod }) => !isBack.has(pod));
  const acts = [...routes(sorted), ...marks(sorted), ...back, ...further];
  const isOpen = acts.length > 0 || sorted.live.some(({ mark }) => mark !== undefined);
  // Those that stay after all are nobody's victims any more: no other pod is made in their place.
  const pods = fleet.pods.map((pod) => (isBack.has(pod.name) ? { ...pod, mark: undefined } : pod));
  return { acts, replicas: replicasOf(new Sorted({ ...fleet, pods })), isOpen };
}
