import type { Clock } from "@jichat/protocol/clock.ts";
import type { DesiredInput } from "../desired/desired-input.ts";
import type { Observed } from "../observed.ts";
import type { PodMetrics } from "../pod-metrics.ts";
import type { TalkPlan, Told } from "../talk/talk.ts";
import type { TalkWatch } from "../talk/talk-watch.ts";
import { CanaryWatch } from "./canary-watch.ts";
import type { CanaryVerdict } from "./canary.ts";
import type { Fleet } from "./fleet.ts";
import { GateWatch } from "./gate-watch.ts";
import type { Blocked } from "./gates.ts";

interface JudgesParts {
  /** Talks once. Never rejects. */
  readonly talk: (plan: TalkPlan, fromPartition: number, clock: Clock, signal: AbortSignal) => Promise<Told>;
  readonly clock: Clock;
  readonly talks: Pick<TalkWatch, "way">;
}

/** Who says how a new revision does: its canary before anything moves, and the gates meanwhile. */
export function rolloutJudges({ talk, clock, talks }: JudgesParts) {
  const canaries = new CanaryWatch({
    talk: async (plan, fromPartition, signal) => talk(plan, fromPartition, clock, signal),
    clock,
  });
  const gates = new GateWatch(clock);
  return {
    canary: (key: string, input: DesiredInput, observed: Observed): CanaryVerdict =>
      canaries.look(key, input, observed, talks.way(key)),
    gates: (key: string, fleet: Fleet, observed: Observed, metrics: PodMetrics): readonly Blocked[] =>
      gates.look(key, fleet, observed, metrics),
    /** What a canary has shown counts once: another try begins anew, also with a pod that is still there. */
    forgetCanary: (key: string): void => {
      canaries.forget(key);
    },
    forget: (key: string): void => {
      canaries.forget(key);
      gates.forget(key);
    },
    stop: (): void => {
      canaries.stop();
    },
  };
}
