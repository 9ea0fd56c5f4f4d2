import type { Dice } from "@jichat/protocol/dice.ts";
import type { ScaleDecision, ScaleMemory, ScaleSpec } from "../autoscaler.ts";
import { scaleOf } from "../autoscaler.ts";
import { markText, readMark } from "../drain-mark.ts";
import type { Act } from "../drain-act.ts";
import { DRAINS_AT_ONCE, drainsOf } from "../drains.ts";
import type { ConnectorPod, Fleet } from "../fleet.ts";
import type { Steering } from "../rollout-state.ts";
import { steeringOf } from "../rollout-state.ts";
import { readShedMark, shedMarkText } from "../shed-mark.ts";
import type { ShedAct } from "../sheds.ts";
import { NO_SHEDS, isShedding, shedsOf } from "../sheds.ts";
import type { ClusterModel, ModelPod } from "./cluster-model.ts";
import type { Guards } from "./guards.ts";
import { seenByDrains, seenBySheds, withoutTo } from "./blinded.ts";
import type { Moment, Seen } from "./moments.ts";
import { Moments } from "./moments.ts";
import { RolloutModel } from "./rollout-model.ts";
import { checkShed, checkTold } from "./settled-model.ts";

/** The ChatCluster: what people want, and what an operator remembers in its status. */
export interface ModelSpec {
  replicas: number;
  revision: string;
  autoscaling: ScaleSpec | undefined;
  readonly perSecond: number;
  readonly deadlineMs: number;
  desired: number;
  memory: ScaleMemory;
}

/** What a new process does not have: what watches told it late, and what it wrote itself since. */
interface Process {
  readonly startedAt: number;
  readonly pods: Map<string, { readonly at: number; readonly patch: Partial<Seen> }>;
  readonly replicas: Map<string, { readonly at: number; readonly to: number }>;
}

/** An operator whose watches are late, that may end between any two writes, and that then knows nothing. */
export class OperatorModel {
  /** Its clock is ahead by this much. */
  skewMs = 0;
  isAway = false;
  /** Pods do not answer. */
  isDeaf = false;
  /** The last decision about the number of connectors. */
  scaled: { readonly before: number; readonly decision: ScaleDecision } | undefined;
  readonly #model: ClusterModel;
  readonly #spec: ModelSpec;
  readonly #dice: Dice;
  readonly #guards: Guards;
  readonly rollout: RolloutModel;
  readonly #moments = new Moments();
  /** The pods that answered in this pass. */
  #heard = new Set<string>();
  #process: Process = { startedAt: 0, pods: new Map(), replicas: new Map() };

  constructor(model: ClusterModel, spec: ModelSpec, dice: Dice, guards: Guards) {
    this.#model = model;
    this.#spec = spec;
    this.#dice = dice;
    this.#guards = guards;
    this.rollout = new RolloutModel(model, dice, guards);
  }

  get clock(): number {
    return this.#timeOf(this.#model.now) + this.skewMs;
  }

  /** The time of day by the clocks of nodes, which are right. */
  #timeOf(second: number): number {
    return 1_000_000_000 + second * 1_000;
  }

  /** Another process takes over: it lists everything, and remembers nothing. */
  restart(): void {
    this.rollout.restart();
    this.#process = { startedAt: this.#model.now, pods: new Map(), replicas: new Map() };
  }

  /** Keeps what there is now, for those who hear of it late. */
  remember(): void {
    this.#moments.remember(this.#model);
  }

  /** A pass. It may end after any of its writes: `lasts` of them are made. */
  pass(lasts: number): void {
    this.scaled = undefined;
    if (this.isAway) return;
    const pods = this.#podsSeen();
    this.#scale(pods);
    const { desired: wanted, revision: to } = this.#spec;
    const rollout = this.rollout.decide({ now: this.clock, wanted }, to, pods);
    const steering = steeringOf(rollout);
    const fleet = this.#fleet(pods, steering);
    const drainsAtOnce = this.#guards.oneAtATime ? DRAINS_AT_ONCE : 8;
    const isApart = this.#guards.drainsApart;
    const { acts, replicas } = drainsOf(seenByDrains(fleet, this.#guards), { drainsAtOnce });
    const sheds = this.#guards.sheds ? shedsOf(seenBySheds(fleet, this.#guards)) : NO_SHEDS;
    const writes = [
      () => {
        this.rollout.write(rollout);
      },
      () => {
        this.rollout.apply(rollout, steering);
      },
      ...[...replicas].map(([name, to]) => () => {
        this.#setReplicas(name, to);
      }),
      ...sheds.acts
        .filter(({ does }) => isApart || does !== "stop")
        .map((act) => () => {
          this.#carryOutShed(act);
        }),
      ...acts
        .filter((act) => this.#guards.undo || act.does !== "undo" || act.isWrong)
        .map((act) => () => {
          this.#carryOut(act, fleet.wanted);
        }),
    ];
    for (const write of writes.slice(0, lasts)) write();
  }

  #late(): Moment {
    // A process lists everything as it begins: it sees nothing that is older than that.
    return this.#moments.late(this.#dice, this.#model.now - this.#process.startedAt - 1);
  }

  #podsSeen(): ConnectorPod[] {
    const { guards, model } = { guards: this.#guards, model: this.#model };
    const [seen, { slice }] = [this.#late(), this.#late()];
    this.#heard = new Set();
    // A watch has objects in the order in which they changed, so no order is to be relied on.
    const pods = this.#dice.chance(0.5) ? seen.pods : seen.pods.toReversed();
    return pods.map((old): ConnectorPod => {
      const own = this.#process.pods.get(old.name)?.patch ?? {};
      const pod = { ...old, ...own };
      const real = model.pods.get(pod.name);
      const hears = real?.isRunning === true && !this.isDeaf && !this.#dice.chance(0.02);
      if (hears) this.#heard.add(pod.name);
      const mark = readMark(pod.mark, this.clock);
      return {
        ...pod,
        isReady: pod.isReady || !guards.keepersReady,
        readyChangedAt: this.#timeOf(pod.readySince),
        isInService: guards.outOfService && slice.has(pod.name),
        isRouted: pod.isRouted,
        mark,
        connections: !hears
          ? undefined
          : mark?.deadline !== undefined && !guards.emptyFirst
            ? 0
            : real.devices,
        shed: guards.roundByRound ? readShedMark(pod.shedMark) : undefined,
        shedLeft: !hears ? undefined : guards.roundByRound ? real.shedLeft : 0,
        drain: !hears || (!guards.tellAgain && real.drain === "none") ? undefined : real.drain,
      };
    });
  }

  #scale(pods: readonly ConnectorPod[]): void {
    const spec = this.#spec;
    if (spec.autoscaling === undefined) {
      spec.desired = spec.replicas;
      return;
    }
    const running = pods.filter(({ isRunning, isEnding }) => isRunning && !isEnding);
    const { missingMetrics, stabilisation, bounds } = this.#guards;
    const { desired: before, memory } = spec;
    const decision = scaleOf({
      now: this.clock,
      spec: {
        ...spec.autoscaling,
        ...(stabilisation ? {} : { stabilisationMs: 0 }),
        ...(bounds ? {} : { minReplicas: 0, maxReplicas: 1_000 }),
      },
      present: before,
      loads: running.map(({ connections }) => {
        const told = missingMetrics ? connections : (connections ?? 0);
        return told === undefined ? {} : { connections: told };
      }),
      isMoving: pods.some((pod) => pod.mark !== undefined || pod.isEnding || isShedding(pod, this.clock)),
      before: memory,
    });
    spec.desired = decision.desired;
    spec.memory = decision.memory;
    this.scaled = { before, decision };
  }

  #fleet(pods: readonly ConnectorPod[], { current, drainsOld, isUrgent }: Steering): Fleet {
    const { desired, deadlineMs, perSecond } = this.#spec;
    const seen = this.#late().revisions;
    const model = this.#model;
    if (!model.revisions.has(current)) throw new Error(`nobody made revision ${current}`);
    return {
      now: this.clock,
      wanted: desired,
      currentMax: desired,
      drainsOld,
      isUrgent,
      current,
      pods: this.#guards.releasedTo ? pods : pods.map(withoutTo),
      revisions: [...model.revisions.keys()].flatMap((name) => {
        const one = seen.get(name);
        const own = this.#process.replicas.get(name);
        if (one === undefined) return [{ name, replicas: own?.to ?? 0, counted: 0, isSeen: false }];
        const isLate = own !== undefined && own.to !== one.replicas;
        return [
          { name, replicas: own?.to ?? one.replicas, counted: one.counted, isSeen: one.isSeen && !isLate },
        ];
      }),
      deadlineMs,
      perSecond,
    };
  }

  #setReplicas(name: string, to: number): void {
    const revision = this.#model.revisions.get(name);
    if (revision === undefined || revision.replicas === to) return;
    revision.replicas = to;
    revision.isSeen = false;
    this.#process.replicas.set(name, { at: this.#model.now, to });
  }

  #patch(pod: ModelPod, patch: Partial<Pick<ModelPod, "mark" | "isRouted" | "cost" | "shedMark">>): void {
    Object.assign(pod, patch);
    const before = this.#process.pods.get(pod.name)?.patch ?? {};
    this.#process.pods.set(pod.name, { at: this.#model.now, patch: { ...before, ...patch } });
  }

  #carryOut(act: Act, wanted: number): void {
    const pod = this.#model.pods.get(act.pod);
    if (pod === undefined || pod.isEnding) return;
    const cost = this.#guards.deletionCost ? 1 : 0;
    switch (act.does) {
      case "mark":
        this.#patch(pod, { mark: markText(act.mark), isRouted: false, cost: -1_000 * cost });
        return;
      case "release":
        if (act.mark.forced !== undefined && pod.drain === "none" && this.#heard.has(pod.name))
          this.#model.violate(`${pod.name} has to go with ${pod.devices} devices, and was never told`);
        this.#patch(pod, { mark: markText(act.mark), cost: -2_000 * cost });
        return;
      case "route":
        this.#patch(pod, { isRouted: true });
        return;
      case "turn":
        this.#patch(pod, { mark: markText(act.mark) });
        return;
      case "tell":
        this.rollout.checkTold(pod, act.mark, this.clock);
        // Who has a wrong clock waits for too long, or not at all.
        if (this.skewMs === 0 && this.rollout.people.status?.phase !== "RollingBack")
          checkTold(this.#model, pod, readMark(pod.mark, this.clock), this.clock);
        this.#patch(pod, { mark: markText(act.mark) });
        if (!this.#dice.chance(0.03)) this.#tell(pod, act.mark.perSecond ?? 0, wanted);
        return;
      case "undo":
        if (act.isWrong && !this.#guards.verify) return;
        pod.drain = "none";
        this.#patch(pod, { mark: undefined, isRouted: true, cost: 0 });
    }
  }

  #carryOutShed(act: ShedAct): void {
    const pod = this.#model.pods.get(act.pod);
    if (pod === undefined || pod.isEnding) return;
    const hears = pod.isRunning && !this.isDeaf && !this.#dice.chance(0.1);
    if (act.does === "shed") {
      if (this.skewMs === 0) checkShed(this.#model, pod);
      this.#patch(pod, { shedMark: shedMarkText(act.mark) });
      if (!hears || pod.drain !== "none") return;
      pod.shedLeft = act.mark.connections;
      pod.shedPerSecond = act.mark.perSecond;
      return;
    }
    if (act.does === "stop") {
      if (!hears) return;
      pod.shedLeft = 0;
    }
    this.#patch(pod, { shedMark: undefined });
  }

  #tell(pod: ModelPod, perSecond: number, wanted: number): void {
    if (!pod.isRunning) return;
    const model = this.#model;
    const others = model.live().filter((one) => one !== pod && model.serves(one) && one.isRunning);
    const isServing = model.serves(pod) && pod.isReady && pod.readySince + 4 < model.now;
    if (isServing && others.length < wanted && !model.isUpset)
      model.violate(`${pod.name} drains while ${others.length} others serve and ${wanted} are wanted`);
    pod.drain = "draining";
    pod.perSecond = perSecond;
    pod.drainEnds = model.now + this.#spec.deadlineMs / 1_000;
  }
}
