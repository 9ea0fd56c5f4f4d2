import type { Dice } from "@jichat/protocol/dice.ts";
import type { CanaryVerdict } from "../canary.ts";
import type { DrainMark } from "../drain-mark.ts";
import { readMark } from "../drain-mark.ts";
import type { ConnectorPod } from "../fleet.ts";
import type { Blocked } from "../gates.ts";
import type { RolloutFacts } from "../rollout.ts";
import { rolloutOf } from "../rollout.ts";
import type { Rollout, Steering, Target } from "../rollout-state.ts";

import type { ClusterModel, ModelPod } from "./cluster-model.ts";
import type { Guards } from "./guards.ts";

/** What people say about rollouts, and what the status has of them. */
export interface ModelRollout {
  isSupervised: boolean;
  promote: string | undefined;
  rollback: string | undefined;
  /** As the API server has it. */
  status: Rollout | undefined;
}

const PROVES_S = 5;
const PROGRESS_DEADLINE_MS = 90_000;
const SOAK_MS = 20_000;
const target = (revision: string): Target => ({ version: "1.0.0", revision });

/** The canary, the other components and the gates of one ChatCluster, and what a pass makes of them. */
export class RolloutModel {
  readonly people: ModelRollout = {
    isSupervised: false,
    promote: undefined,
    rollback: undefined,
    status: undefined,
  };
  readonly #model: ClusterModel;
  readonly #dice: Dice;
  readonly #guards: Guards;
  /** What this process decided; a new one has only the status. */
  #decided: Rollout | undefined;
  #startedAt = 0;
  #canary: { readonly revision: string; readonly since: number } | undefined;
  /** The revision that routers, storage and api run, and since when all of them do. */
  #others = { revision: "", settledAt: 0 };
  /** A gate that is closed for another reason than the revision. */
  closedUntil = 0;
  /** Revisions that were given up, and not asked for anew since. */
  readonly #givenUp = new Set<string>();
  /** Revisions that came without a proof, since nothing served at that moment. */
  readonly atOnce = new Set<string>();

  constructor(model: ClusterModel, dice: Dice, guards: Guards) {
    this.#model = model;
    this.#dice = dice;
    this.#guards = guards;
  }

  restart(): void {
    this.#decided = undefined;
    this.#startedAt = this.#model.now;
  }

  /** Somebody asks for this revision, again or anew. */
  asked(revision: string): void {
    this.#givenUp.delete(revision);
  }

  /** Where the rollout stands now, by what this pass sees. */
  decide(facts: Pick<RolloutFacts, "now" | "wanted">, to: string, pods: readonly ConnectorPod[]): Rollout {
    const { isSupervised, promote, rollback, status } = this.people;
    const before = this.#decided ?? status;
    const rollout = rolloutOf(this.#guards.failedOnce ? before : withoutFailure(before), {
      ...facts,
      to: target(to),
      revisions: [...this.#model.revisions.keys()].map((revision) => {
        const own = pods.filter((pod) => pod.revision === revision);
        const { replicas = 0 } = this.#model.revisions.get(revision) ?? {};
        return {
          ...target(revision),
          ready: own.filter(({ isReady, isEnding }) => isReady && !isEnding).length,
          pods: Math.max(own.length, replicas),
        };
      }),
      rules: {
        mode: isSupervised ? "Supervised" : "Automatic",
        progressDeadlineMs: this.#guards.deadline ? PROGRESS_DEADLINE_MS : Number.POSITIVE_INFINITY,
        soakMs: SOAK_MS,
      },
      isAsleep: false,
      isPaused: false,
      isDraining: pods.some(
        ({ revision, mark }) =>
          revision !== to &&
          mark?.deadline !== undefined &&
          mark.to === undefined &&
          facts.now <= mark.deadline,
      ),
      objections: () => [],
      schema: "done",
      canary: this.#verdict(to),
      unsettled: this.#others.revision === to && this.#others.settledAt <= this.#model.now ? [] : ["router"],
      gates: this.#guards.gatesHold ? this.gatesOf(to) : [],
      hasSlot: () => true,
      ...(promote === undefined ? {} : { promote }),
      ...(rollback === undefined ? {} : { rollback }),
    });
    return rollout;
  }

  /** The first write of a pass. What is said once is taken. */
  write(rollout: Rollout): void {
    const { people } = this;
    this.#judge(rollout);
    this.#decided = rollout;
    people.status = rollout;
    if (rollout.isPromoted === true && people.promote === rollout.to.revision) people.promote = undefined;
    const isBack = rollout.phase === "RollingBack" || rollout.phase === "RolledBack";
    if (isBack && people.rollback === rollout.to.revision) people.rollback = undefined;
  }

  /** What is applied beside the connectors. */
  apply(rollout: Rollout, { wantsCanary, holdsVersion }: Steering): void {
    const { now } = this.#model;
    const { revision } = rollout.to;
    if (!wantsCanary) this.#canary = undefined;
    else if (this.#canary?.revision !== revision) this.#canary = { revision, since: now };
    const wanted = holdsVersion ? rollout.from.revision : revision;
    if (this.#others.revision !== wanted)
      this.#others = { revision: wanted, settledAt: now + this.#dice.int(2, 15) };
  }

  /** No device of an old connector is sent to new ones that fail. */
  checkTold({ name, revision, mark: was }: ModelPod, mark: DrainMark, now: number): void {
    const { status } = this.people;
    const isNew = readMark(was, now)?.deadline === undefined;
    if (status?.phase !== "Connectors" || revision === status.to.revision || !isNew) return;
    if (mark.why === "OldRevision" && this.gatesOf(status.to.revision).length > 0)
      this.#model.violate(`${name} is told to go while a gate is closed`);
  }

  /** The gates that are closed in truth. */
  gatesOf(revision: string): readonly Blocked[] {
    const { now } = this.#model;
    const isSlow = this.#model.revisions.get(revision)?.fault === "fails under load";
    const hasDevices = this.#model.live(revision).some(({ devices }) => devices > 0);
    return isSlow && hasDevices ? [CLOSED] : now < this.closedUntil ? [CLOSED] : [];
  }

  #verdict(revision: string): CanaryVerdict {
    const { now, revisions } = this.#model;
    if (!this.#guards.canaryFirst) return { state: "proven", message: "" };
    const canary = this.#canary;
    const since = Math.max(canary?.since ?? now, this.#startedAt);
    if (canary?.revision !== revision || now - since < PROVES_S) return PROVING;
    const fault = revisions.get(revision)?.fault;
    if (fault === "never ready") return PROVING;
    return fault === "loses messages"
      ? { state: "failed", message: fault }
      : { state: "proven", message: "" };
  }

  /** What must not be written. */
  #judge(rollout: Rollout): void {
    const { phase, to, failed } = rollout;
    const before = this.people.status;
    const isNew = before?.phase !== phase || before.to.revision !== to.revision;
    if (isNew && phase === "Done" && before?.phase !== "Soaking") this.atOnce.add(to.revision);
    if (isNew && failed !== undefined && phase === "RolledBack") this.#givenUp.add(failed.revision);
    if (isNew && phase === "Canary" && this.#givenUp.has(to.revision) && rollout.isPromoted !== true)
      this.#model.violate(`${to.revision} was given up, and is tried again`);
  }
}

const CLOSED: Blocked = { gate: "ErrorRate", message: "too many errors" };
const PROVING: CanaryVerdict = { state: "proving", message: "" };

/** As if nobody remembered that it failed. */
function withoutFailure(rollout: Rollout | undefined): Rollout | undefined {
  if (rollout?.phase !== "RolledBack") return rollout;
  const { failed: _, ...rest } = rollout;
  return { ...rest, phase: "Done", to: rollout.from };
}
