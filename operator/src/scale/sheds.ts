import type { ConnectorPod, Fleet } from "./fleet.ts";
import { keepersOf } from "./fleet.ts";
import { unsettledOf } from "./settled.ts";
import type { ShedMark } from "./shed-mark.ts";

/** One thing to do with one pod. Each is safe to do again. */
export type ShedAct =
  /** Tell it to send some of its devices to others. */
  | { readonly does: "shed"; readonly pod: string; readonly mark: ShedMark }
  /** It keeps those that it has not told yet. */
  | { readonly does: "stop"; readonly pod: string }
  /** It has no more than its share: what it was told before says nothing any more. */
  | { readonly does: "forget"; readonly pod: string };

export interface ShedPlan {
  readonly acts: readonly ShedAct[];
  /** Something is going on that only time ends: look again soon. */
  readonly isOpen: boolean;
  /** The request of a person that nothing is left to do for. */
  readonly done?: string;
}

/** Of a ChatCluster that has no connectors to look after. */
export const NO_SHEDS: ShedPlan = { acts: [], isOpen: false };

/** A connector carries too much beyond this many times its fair share. */
const OVERFULL = 1.2;
/** Fewer than these are not worth a move. */
const SHED_MIN = 10;
/**
 * Devices choose their connector by chance. A connector is beyond so many standard deviations by chance once
 * in a thousand times, and the next devices would come by chance as well.
 */
const BY_CHANCE = 3;
/** A device that is told to go is gone after this time. */
const SETTLE_MS = 15_000;
/**
 * Devices may come back to the connector that they left, where a balancer keeps them there. So each round
 * that did not help waits for twice as long as the one before.
 */
const WAIT_MAX_MS = 3_600_000;
/** A connector gives up the rest of a shed after three times its time and a minute. */
const TIMES = 3;
const BESIDE_MS = 60_000;

type Loaded = Pick<ConnectorPod, "connections" | "name">;

/**
 * The devices that each connector sends to the others, by its name: all that is beyond its fair share, of
 * those that carry too much. With `isAsked` even a few are too much.
 */
export function excessOf(pods: readonly Loaded[], isAsked = false): ReadonlyMap<string, number> {
  const known = pods.flatMap(({ name, connections }) =>
    connections === undefined ? [] : [{ name, connections }],
  );
  if (known.length < pods.length || pods.length < 2) return new Map();
  const fair = known.reduce((sum, { connections }) => sum + connections, 0) / pods.length;
  const least = isAsked ? SHED_MIN : Math.max(SHED_MIN, BY_CHANCE * Math.sqrt(fair));
  return new Map(
    known
      .filter(({ connections }) => connections - fair >= least && (isAsked || connections > OVERFULL * fair))
      .map(({ name, connections }) => [name, Math.floor(connections - fair)]),
  );
}

const takesMs = ({ connections, perSecond }: ShedMark): number => (1_000 * connections) / perSecond;

/**
 * Whether devices of this pod may be on their way because of a shed. The mark alone tells little: an operator
 * writes it first, and may end then. What does not answer counts for as long as a connector sheds at most.
 */
export function isShedding(
  {
    shed,
    shedLeft,
    isEnding,
    drain = "none",
  }: Pick<ConnectorPod, "shed" | "shedLeft" | "isEnding" | "drain">,
  now: number,
): boolean {
  // A drain ends a shed: all devices go.
  if (isEnding || drain !== "none") return false;
  if (shedLeft !== undefined && shedLeft > 0) return true;
  if (shed === undefined) return false;
  const since = now - shed.since;
  // A time that lies ahead is of a clock that was wrong.
  if (shedLeft === undefined) return Math.abs(since) < TIMES * takesMs(shed) + BESIDE_MS;
  return since >= 0 && since < takesMs(shed) + SETTLE_MS;
}

/** Whether this pod may be told again. */
export function mayShed({ shed }: Pick<ConnectorPod, "shed">, now: number): boolean {
  if (shed === undefined || shed.since > now) return true;
  const wait = Math.min(WAIT_MAX_MS, SETTLE_MS * 2 ** (shed.rounds - 1));
  return now - shed.since >= takesMs(shed) + wait;
}

/** Whether devices move for another reason, or are about to. Their rate is the whole rate of the spec. */
function isMoving({ pods, current, wanted, currentMax }: Fleet): boolean {
  const moves = ({ mark, isEnding, connections, drain, revision }: ConnectorPod): boolean =>
    mark !== undefined ||
    (isEnding ? (connections ?? 0) > 0 : revision !== current) ||
    (drain !== undefined && drain !== "none");
  return currentMax !== wanted || pods.some(moves) || keepersOf(pods).length > wanted;
}

/** Those that share the devices, once as many as are wanted serve. */
function sharing({ pods, wanted }: Fleet): readonly ConnectorPod[] {
  const serving = keepersOf(pods).filter(
    ({ isReady, isRouted, isInService }) => isReady && isRouted && isInService,
  );
  return serving.length < wanted ? [] : serving;
}

/**
 * Who sends how many away, at which share of the rate: all of them end at about the same time. Whose share
 * would be less than one device a second waits for the next round.
 */
function shares(excess: ReadonlyMap<string, number>, perSecond: number) {
  const sum = [...excess.values()].reduce((total, one) => total + one, 0);
  return [...excess]
    .map(([name, connections]) => ({ name, connections, rate: Math.floor((perSecond * connections) / sum) }))
    .filter(({ rate }) => rate >= 1);
}

/** The most that a rate can be shared: the fullest come first. */
const fullest = (excess: ReadonlyMap<string, number>, count: number): ReadonlyMap<string, number> =>
  new Map([...excess].toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).slice(0, count));

/** The sheds that are due, of those that share the devices; and what is not worth remembering. */
function nextOf(
  pods: readonly ConnectorPod[],
  { now, perSecond }: Fleet,
  asked: string | undefined,
): ShedPlan {
  // Who carries too much is not known: nothing is done with, and nothing is forgotten.
  if (pods.some(({ connections }) => connections === undefined))
    return { acts: [], isOpen: asked !== undefined };
  const over = excessOf(pods);
  const beyond = asked === undefined ? over : excessOf(pods, true);
  const isDue = (pod: ConnectorPod): boolean =>
    asked !== undefined && pod.shed?.asked !== asked
      ? beyond.has(pod.name)
      : over.has(pod.name) && mayShed(pod, now);
  const due = pods.filter(isDue);
  const excess = new Map(due.map(({ name }) => [name, beyond.get(name) ?? 0]));
  if (due.length > 0) {
    // A person who asks for it has seen who takes them.
    if (asked === undefined && unsettledOf({ pods, now }).length > 0) return { acts: [], isOpen: true };
    const rounds = new Map(due.map(({ name, shed }) => [name, 1 + (shed?.rounds ?? 0)]));
    const acts = shares(fullest(excess, perSecond), perSecond).map(({ name, connections, rate }): ShedAct => {
      const mark = { since: now, connections, perSecond: rate, rounds: rounds.get(name) ?? 1 };
      return { does: "shed", pod: name, mark: asked === undefined ? mark : { ...mark, asked } };
    });
    return { acts, isOpen: true };
  }
  const forgets = pods.filter(({ name, shed }) => shed !== undefined && !over.has(name));
  return {
    acts: forgets.map(({ name }) => ({ does: "forget", pod: name })),
    isOpen: false,
    ...(asked === undefined || pods.length === 0 ? {} : { done: asked }),
  };
}

/**
 * Which connectors send devices to others now. They share the rate of the spec: so others begin once all of
 * them are done, and none sheds while devices move for another reason. `asked` is what a person asked for
 * last, if that is not done: each connector then goes down to its fair share once, however little it is
 * beyond it.
 */
export function shedsOf(fleet: Fleet, asked?: string): ShedPlan {
  const shedding = fleet.pods.filter((pod) => isShedding(pod, fleet.now));
  const rate = shedding.reduce((sum, { shed }) => sum + (shed?.perSecond ?? 0), 0);
  const isWrong = isMoving(fleet);
  if (shedding.length === 0) return isWrong ? NO_SHEDS : nextOf(sharing(fleet), fleet, asked);
  const stops = isWrong || rate > fleet.perSecond ? shedding : [];
  return { acts: stops.map(({ name }) => ({ does: "stop", pod: name })), isOpen: true };
}
