import type { Act } from "./drain-act.ts";
import type { Why } from "./drain-mark.ts";
import type { ConnectorPod, Fleet } from "./fleet.ts";
import { passedOver, releases } from "./release-drained.ts";
import { Sorted, isReleased, isTold, thereOf } from "./sorted-fleet.ts";
import { telling, tellingAgain } from "./tell-drains.ts";
import { victimsOf } from "./victims.ts";

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
