/** A managed nats-server's pod, as the API server reports it. */
export interface ServerPod {
  readonly name: string;
  /** It is of an earlier revision than the one that is wanted. */
  readonly isOld: boolean;
  readonly isReady: boolean;
  readonly isEnding: boolean;
  /** A process of it may run, and may be part of a quorum. */
  readonly mayRun: boolean;
}

/** The managed nats-servers of a ChatCluster. */
export interface Servers {
  readonly wanted: number;
  /** The StatefulSet's controller has seen the present template, so it is known which pods are old. */
  readonly isSeen: boolean;
  readonly pods: readonly ServerPod[];
  /** Changes whenever a server restarts. An answer of NATS counts only for the epoch it was asked in. */
  readonly epoch: string;
  /** Changes whenever a server is replaced. */
  readonly progress: string;
}

/** What NATS told about its servers and about everything that they hold copies of. */
export interface ServersTold {
  /** The names of the servers that answered. */
  readonly servers: readonly string[];
  readonly metaLeader: string | undefined;
  /** What is not level, with the reason. A failed question is the only entry. */
  readonly behind: readonly string[];
}

/** The next step of a roll of the managed nats-servers. */
export type Roll =
  | { readonly does: "nothing" }
  | {
      readonly does: "waits";
      readonly why: string;
      /** The time since a server was replaced, or since the roll began. */
      readonly heldMs: number;
      /** NATS has to be asked. */
      readonly asks: boolean;
    }
  | {
      readonly does: "restarts";
      readonly pod: string;
      readonly why: string;
      /** It runs, so it may lead streams. */
      readonly leads: boolean;
    };

/** What a roll goes by, beside the servers. */
export interface RollKnown {
  /** The answer of NATS in the present epoch; undefined if there is none yet. */
  readonly told: ServersTold | undefined;
  /** What is wrong with the log. */
  readonly fault?: string | undefined;
  /** How long the roll has been where it is; undefined if none was going on in the pass before. */
  readonly heldMs: number | undefined;
}

const NO_ROLL: Roll = { does: "nothing" };
const SHOWN = 3;
const few = (all: readonly string[]): string =>
  all.length <= SHOWN ? all.join(", ") : `${all.slice(0, SHOWN).join(", ")} and ${all.length - SHOWN} more`;
const namesOf = (pods: readonly ServerPod[]): string => few(pods.map(({ name }) => name));

/** Highest ordinal first, as Kubernetes does it; the leader of the meta group last, so that it moves once. */
function firstOf(old: readonly ServerPod[], metaLeader: string | undefined): ServerPod | undefined {
  const ordinal = ({ name }: ServerPod): number => Number(/\d+$/.exec(name)?.[0] ?? 0);
  const [first] = old.toSorted(
    (a, b) => Number(a.name === metaLeader) - Number(b.name === metaLeader) || ordinal(b) - ordinal(a),
  );
  return first;
}

/**
 * Decides which nats-server restarts next, if any may. A roll ends when all are of the wanted revision and
 * ready. One restarts only while all others are ready and all
 * streams, consumers and the meta group are level: a second copy that is missing stops all sends.
 */
export function nextServer(
  { wanted, isSeen, pods }: Omit<Servers, "epoch" | "progress">,
  known: RollKnown,
): Roll {
  const { told, fault, heldMs } = known;
  const old = pods.filter(({ isOld }) => isOld);
  const waits = (why: string, asks = false): Roll => ({ does: "waits", why, heldMs: heldMs ?? 0, asks });
  // A change that its controller has not seen yet makes no pod old: it is a roll once one is.
  if (wanted === 0 || (old.length === 0 && heldMs === undefined)) return NO_ROLL;
  if (!isSeen) return waits("Kubernetes has not seen the change of the nats-servers yet");
  const ending = pods.filter(({ isEnding }) => isEnding);
  if (ending.length > 0) return waits(`${namesOf(ending)} is ending`);
  // What runs of it is nothing, so nothing is lost with it. It would otherwise be waited for, for ever.
  const dead = old.find(({ mayRun }) => !mayRun);
  if (dead !== undefined) return { does: "restarts", pod: dead.name, why: "it does not run", leads: false };
  if (pods.length < wanted) return waits(`${pods.length} of ${wanted} nats-servers exist`);
  const unready = pods.filter(({ isReady }) => !isReady);
  if (unready.length > 0) return waits(`${namesOf(unready)} is not ready`);
  if (old.length === 0) return NO_ROLL;
  if (fault !== undefined) return waits(`NATS is to be put right first: ${fault}`);
  if (told === undefined) return waits("NATS is asked whether every stream is level", true);
  const silent = pods.filter(({ name }) => !told.servers.includes(name));
  if (told.behind.length > 0) return waits(few(told.behind), true);
  if (silent.length > 0) return waits(`${namesOf(silent)} does not answer in the cluster`, true);
  const next = firstOf(old, told.metaLeader);
  return next === undefined
    ? NO_ROLL
    : { does: "restarts", pod: next.name, why: "every stream is level on all servers", leads: true };
}
