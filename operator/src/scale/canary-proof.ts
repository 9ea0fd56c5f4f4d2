import type { Told } from "../talk/talk.ts";

/** One round of talks. */
export interface Round {
  /** Both devices are on connectors that serve: the measure for the others. */
  readonly serving: Told;
  /** Undefined if those that serve could not talk: then nothing can be learned from talks with them. */
  readonly pair:
    | {
        /** A device on the canary sends. The other one leaves a connector that serves for the canary. */
        readonly sends: Told;
        /** A device on the canary receives, and goes on to a connector that serves. */
        readonly receives: Told;
      }
    | undefined;
  /** Both devices are on the canary. It is asked only where there is no pair. */
  readonly alone: Told | undefined;
}

/** What the rounds have shown so far. */
export interface Proof {
  readonly state: "proving" | "proven" | "failed";
  /** Rounds in a row in which the canary did all that was asked. */
  readonly good: number;
  /** Rounds in which it did not, though connectors that serve did. */
  readonly failures: number;
  /** Rounds in a row in which it did, and took too long. */
  readonly slow: number;
  /** Rounds in a row in which connectors that serve could not talk. */
  readonly unserved: number;
  readonly message: string;
}

export const UNPROVEN: Proof = {
  state: "proving",
  good: 0,
  failures: 0,
  slow: 0,
  unserved: 0,
  message: "it is ready, and has not talked yet",
};

/** A round has 40 messages and asks every partition. What is lost or refused now and then shows in three. */
export const ROUNDS = 3;
/** As for people: one failure may be a takeover, two are none. Those in between do not excuse it. */
const FAILURES = 2;
/** A slow build is slow in each round. A node that is busy for a moment is not. */
const SLOW = 4;
/** After so many, connectors that serve are taken for broken: a new revision has to be able to mend that. */
const UNSERVED = 2;
/**
 * Nobody notices less than that. A process that was started a moment ago, on a node that is busy, takes some
 * tens of milliseconds more than one that is warm.
 */
const DELAY_MIN_MS = 250;
/** A whole talk: connections, a resume and a question to every partition. */
const TALK_MIN_MS = 3_000;
/** Where those that serve are slow themselves, since backends are. Medians of the same minute differ less. */
const SLOWER_MAX = 3;

const secondsOf = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** Why this talk is too slow beside that of the connectors that serve; undefined if it is not. */
function slow(told: Told, serving: Told): string | undefined {
  const [delay, usual] = [told.delayMs ?? 0, serving.delayMs ?? 0];
  if (delay > Math.max(DELAY_MIN_MS, SLOWER_MAX * usual))
    return `a message takes ${secondsOf(delay)}, and ${secondsOf(usual)} between connectors that serve`;
  if (told.ms > Math.max(TALK_MIN_MS, SLOWER_MAX * serving.ms))
    return `a talk takes ${secondsOf(told.ms)}, and ${secondsOf(serving.ms)} between connectors that serve`;
  return undefined;
}

interface Fault {
  readonly why: string;
  readonly is: "wrong" | "failed" | "slow";
}

/** What was wrong with a talk, in words that name who was where. */
function faultOf(told: Told, serving: Told, where: string): Fault | undefined {
  if (told.outcome !== "ok")
    return {
      why: `${where}, ${told.outcome} fails: ${told.why}`,
      is: told.isWrong === true ? "wrong" : "failed",
    };
  const late = slow(told, serving);
  return late === undefined ? undefined : { why: `it is slow: ${where}, ${late}`, is: "slow" };
}

function withoutServing(before: Proof, { serving, alone }: Round): Proof {
  const unserved = before.unserved + 1;
  const others = `connectors that serve cannot talk either (${serving.outcome} fails: ${serving.why})`;
  if (alone === undefined || alone.outcome !== "ok") {
    const why = alone === undefined ? "" : `${alone.outcome} fails on it: ${alone.why}; `;
    if (alone?.isWrong === true) return { ...before, state: "failed", message: `${why}${others}` };
    return { ...before, good: 0, unserved, message: `${why}${others}` };
  }
  if (unserved < UNSERVED) return { ...before, good: 0, unserved, message: others };
  const good = before.good + 1;
  const message = "two devices sent, received and resumed on it; connectors that serve cannot talk";
  return { ...before, good, unserved, state: good < ROUNDS ? "proving" : "proven", message };
}

/** What is known after one more round. */
export function proofAfter(before: Proof, round: Round): Proof {
  const { serving, pair } = round;
  if (pair === undefined) return withoutServing(before, round);
  const fault =
    faultOf(pair.sends, serving, "from the canary to a connector that serves") ??
    faultOf(pair.receives, serving, "from a connector that serves to the canary");
  if (fault === undefined) {
    const good = before.unserved > 0 ? 1 : before.good + 1;
    const isProven = good >= ROUNDS;
    const message = isProven
      ? "devices on it and on connectors that serve sent, received and resumed, both ways"
      : `it has talked in ${good} of ${ROUNDS} rounds`;
    return {
      state: isProven ? "proven" : "proving",
      good,
      failures: before.failures,
      slow: 0,
      unserved: 0,
      message,
    };
  }
  const failures = before.failures + (fault.is === "slow" ? 0 : 1);
  const slow = fault.is === "slow" ? before.slow + 1 : 0;
  const isFailed = fault.is === "wrong" || failures >= FAILURES || slow >= SLOW;
  return {
    state: isFailed ? "failed" : "proving",
    good: 0,
    failures,
    slow,
    unserved: 0,
    message: fault.why,
  };
}
