import { Dice } from "@jichat/protocol/dice.ts";
import type { Host } from "./site.ts";
import { CONNECTORS, NATS, ROUTERS } from "./site.ts";

/** The kinds of faults of a host. strike.ts implements them. */
export const KINDS = {
  kill: "SIGKILL, and started again at the heal",
  stop: "SIGSTOP, SIGCONT at the heal",
  cut: "no packet to it or from it",
  split: "a nats-server hears no other one, its clients stay",
  deaf: "no packet to it",
  mute: "no packet from it",
  slow: "50 ms more and a loss of 3 %, each way",
  power: "power cut: no goodbye on the network, and of the disk what was synced",
  full: "its disk is full",
  ahead: "its clock jumps 10 minutes ahead, and back at the heal",
  behind: "its clock jumps 10 minutes back, and ahead at the heal",
  skewed: "its clock is 10 minutes off from its start on, by the seed ahead or behind",
  flush: "FLUSHALL",
} as const;
export type Kind = keyof typeof KINDS;

export interface Fault {
  readonly kind: Kind;
  readonly host: Host;
}
/** One run of the matrix. All of its faults happen within the same seconds. */
export interface Cell {
  readonly faults: readonly Fault[];
  readonly seed: number;
}

type Role = "nats" | "router" | "connector" | "storage" | "api" | "redis" | "clickhouse";
const HOSTS_OF: Readonly<Record<Role, readonly Host[]>> = {
  nats: NATS,
  router: ROUTERS,
  connector: CONNECTORS,
  storage: ["storage"],
  api: ["api"],
  redis: ["redis"],
  clickhouse: ["clickhouse"],
};
const ALL = Object.keys(HOSTS_OF) as Role[];
const CLOCKS: ReadonlySet<Kind> = new Set(["ahead", "behind", "skewed"]);
export const isOfClock = ({ kind }: Fault): boolean => CLOCKS.has(kind);
const WITH_CLOCK: readonly Role[] = ["router", "connector", "storage", "api"];
const ROLES_OF: Readonly<Record<Kind, readonly Role[]>> = {
  kill: ALL,
  stop: ALL,
  cut: ALL,
  split: ["nats"],
  deaf: ALL,
  mute: ALL,
  slow: ALL,
  power: ALL,
  full: ["nats", "clickhouse"],
  ahead: WITH_CLOCK,
  behind: WITH_CLOCK,
  skewed: WITH_CLOCK,
  flush: ["redis"],
};

/** Every kind, on every role that it applies to. */
const SINGLES = (Object.keys(KINDS) as Kind[]).flatMap((kind) =>
  ROLES_OF[kind].map((role) => ({ kind, role })),
);
export const FAULTS_PER_SEED = 25;
const PAIRS_PER_SEED = 3;
const SINGLES_PER_SEED = FAULTS_PER_SEED - PAIRS_PER_SEED;

/**
 * The cells of one seed. Three consecutive seeds cover every kind on every role, and have different pairs.
 */
export function cellsOf(seed: number): readonly Cell[] {
  const dice = new Dice(seed);
  const faultAt = (at: number): Fault => {
    // A step that has no common factor with the number of singles: one seed gets many kinds, and all come in
    // turn.
    const { kind, role } = SINGLES[(at * 28) % SINGLES.length] ?? { kind: "kill", role: "nats" };
    return { kind, host: dice.pick(HOSTS_OF[role]) };
  };
  const singles = Array.from({ length: SINGLES_PER_SEED }, (_, i) => [faultAt(seed * SINGLES_PER_SEED + i)]);
  const pairs = Array.from({ length: PAIRS_PER_SEED }, () => {
    const first = faultAt(Math.floor(dice.between(0, SINGLES.length)));
    for (;;) {
      const second = faultAt(Math.floor(dice.between(0, SINGLES.length)));
      if (second.host !== first.host) return [first, second];
    }
  });
  return [...singles, ...pairs].map((faults) => ({ faults, seed }));
}

/** The name of a cell, such as `kill nats-1 + cut storage`. */
export const nameOf = ({ faults }: Cell): string =>
  faults.map(({ kind, host }) => `${kind} ${host}`).join(" + ");

/** Parses a name made by `nameOf`; undefined if there is no such fault. */
export function readCell(name: string, seed: number): Cell | undefined {
  const faults = name.split("+").map((text): Fault | undefined => {
    const [kind = "", host = ""] = text.trim().split(" ");
    const role = ALL.find((known) => HOSTS_OF[known].some((one) => one === host));
    const found = SINGLES.find((single) => single.kind === kind && single.role === role);
    return found === undefined ? undefined : { kind: found.kind, host: host as Host };
  });
  return faults.every((fault) => fault !== undefined) ? { faults, seed } : undefined;
}

/**
 * Whether the remaining hosts form a quorum and do the work of the lost one, so that nobody has to wait for
 * the heal.
 */
export function leavesQuorum({ faults }: Cell): boolean {
  const [fault, ...more] = faults;
  if (fault === undefined || more.length > 0 || !["kill", "stop", "cut"].includes(fault.kind)) return false;
  return (["nats", "router", "connector"] as const).some((role) => HOSTS_OF[role].includes(fault.host));
}
