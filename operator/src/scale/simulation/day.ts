import { Dice } from "@jichat/protocol/dice.ts";
import { DRAINS_AT_ONCE } from "../drains.ts";
import { readShedMark } from "../shed-mark.ts";
import { excessOf, isShedding, mayShed } from "../sheds.ts";
import type { ModelPod, RevisionFault } from "./cluster-model.ts";
import { ClusterModel } from "./cluster-model.ts";
import type { Guards } from "./guards.ts";
import { ALL } from "./guards.ts";
import type { ModelSpec } from "./operator-model.ts";
import { OperatorModel } from "./operator-model.ts";

/** A day is short, and full of what else happens in weeks. */
const DAY_S = 600;
/** After the last fault and change, everything has to be as wanted within this time. */
const QUIET_S = 700;
const EVENT_S = 40;
/** Some part of the slice is a moment behind: longer than that, nobody can connect. */
const CLOSED_MAX_S = 25;
const STABILISATION_S = 60;
const CONNECTIONS_PER_POD = 200;
const MIN_REPLICAS = 2;
const MAX_REPLICAS = 8;
const PER_SECOND = 40;
const DEADLINE_MS = 60_000;
/** An operator sees late, and does not hear from all pods in each pass: so late it does what is due. */
const DUE_MS = 10_000;
const FAULTS: readonly RevisionFault[] = ["never ready", "loses messages", "fails under load"];

/** One random day of the connectors of a ChatCluster: load, faults and changes, all from one seed. */
export class Day {
  readonly model: ClusterModel;
  readonly operator: OperatorModel;
  readonly spec: ModelSpec;
  readonly #dice: Dice;
  #revisions = 0;
  #away = 0;
  #deaf = 0;
  /** The last moment at which more connectors would have been needed than fewer. */
  #neededAt = 0;
  #isClockSure = true;
  /** Whether somebody mends a revision that is broken, in the evening. */
  readonly #isMended: boolean;

  constructor(seed: number, guards: Guards = ALL) {
    this.#dice = new Dice(seed);
    this.model = new ClusterModel(this.#dice);
    const isScaled = this.#dice.chance(0.4);
    this.spec = {
      replicas: this.#dice.int(1, 6),
      revision: "r0",
      autoscaling: isScaled
        ? {
            minReplicas: MIN_REPLICAS,
            maxReplicas: MAX_REPLICAS,
            perPod: { connections: CONNECTIONS_PER_POD },
            pod: "connector",
            moving: "devices move",
            stabilisationMs: STABILISATION_S * 1_000,
            pauseScaleIn: false,
            pauseScaleOut: false,
          }
        : undefined,
      perSecond: PER_SECOND,
      deadlineMs: DEADLINE_MS,
      desired: MIN_REPLICAS,
      memory: {},
    };
    this.operator = new OperatorModel(this.model, this.spec, this.#dice, guards);
    this.#isMended = this.#dice.chance(0.5);
    this.#roll(undefined);
    this.model.demand = this.#dice.int(0, 1_000);
  }

  /** What was violated, in order of time; empty after a good day. */
  run(): readonly string[] {
    const { model, operator } = this;
    for (let second = 0; second < DAY_S + QUIET_S && model.violations.length === 0; second += 1) {
      const isDay = second < DAY_S;
      if (isDay && this.#dice.chance(1 / EVENT_S)) this.#event();
      if (isDay && this.#dice.chance(0.05))
        model.demand = Math.max(0, Math.round(model.demand * this.#dice.between(0.8, 1.25)));
      this.#tend(isDay);
      model.step();
      operator.remember();
      if (this.#dice.chance(0.6)) this.#pass(isDay);
      this.#check();
    }
    if (model.violations.length === 0) this.#checkEnd();
    return model.violations;
  }

  #pass(isDay: boolean): void {
    const { operator, spec, model } = this;
    const dies = isDay && this.#dice.chance(0.02);
    operator.pass(dies ? this.#dice.int(0, 4) : Number.POSITIVE_INFINITY);
    this.#checkScale();
    const needed = Math.ceil(model.connected / (CONNECTIONS_PER_POD * 0.9));
    const isKnown = operator.scaled !== undefined && operator.scaled.decision.reason !== "MetricsMissing";
    if (isKnown && needed >= spec.desired) this.#neededAt = model.now;
    if (!dies) return;
    operator.restart();
    this.#away = this.#dice.int(0, 60);
  }

  /** What was begun ends after its time. */
  #tend(isDay: boolean): void {
    const { operator } = this;
    this.#away -= 1;
    this.#deaf -= 1;
    operator.isAway = this.#away > 0 && isDay;
    operator.isDeaf = this.#deaf > 0 && isDay;
    // A broken revision does not stay for ever: somebody mends it.
    if (!isDay) this.#evening();
  }

  /** Nobody is asked any more, and what cannot end by itself is mended. */
  #evening(): void {
    const { operator, model, spec } = this;
    const { people } = operator.rollout;
    people.isSupervised = false;
    people.rollback = undefined;
    const phase = people.status?.phase;
    const isBroken = model.revisions.get(spec.revision)?.fault !== undefined;
    // What came while nothing served, or without a device, was not proven: it stays until somebody mends it.
    if (isBroken && (this.#isMended || phase === "Done")) this.#roll(undefined);
    if (!isBroken && phase === "RolledBack") people.promote = spec.revision;
  }

  #event(): void {
    const { spec, operator, model } = this;
    const { people } = operator.rollout;
    const live = model.live();
    const kinds: readonly (readonly [number, () => void])[] = [
      [4, () => (spec.replicas = this.#dice.int(1, 6))],
      [3, () => this.#roll(this.#dice.chance(0.4) ? this.#dice.pick(FAULTS) : undefined)],
      [1, () => (people.isSupervised = !people.isSupervised)],
      [1, () => (people.promote = spec.revision)],
      [1, () => (people.rollback = spec.revision)],
      [1, () => (operator.rollout.closedUntil = model.now + this.#dice.int(5, 120))],
      [1, () => this.#back()],
      [3, () => this.#fault(live.filter(() => this.#dice.chance(0.3)).slice(0, 2), false)],
      [2, () => this.#fault(live.filter(() => this.#dice.chance(0.3)).slice(0, 2), true)],
      [
        1,
        () =>
          this.#fault(
            live.filter(({ node }) => node === "a"),
            false,
          ),
      ],
      [2, () => (this.#deaf = this.#dice.int(5, 90))],
      [1, () => this.#jump(this.#dice.pick([-86_400_000, -3_600_000, -20_000, 20_000, 3_600_000]))],
      [2, () => (model.demand = this.#dice.int(0, 1_400))],
      [1, () => operator.restart()],
      [2, () => this.#gather(live)],
    ];
    this.#dice.weighted(kinds)();
  }

  /** A balancer sends the devices of all to one of them. */
  #gather(pods: readonly ModelPod[]): void {
    const [to, ...others] = pods;
    if (to === undefined || !pods.every(({ name, mark }) => mark === undefined && this.model.slice.has(name)))
      return;
    for (const pod of others) {
      to.devices += pod.devices;
      pod.devices = 0;
    }
  }

  #jump(ms: number): void {
    this.operator.skewMs += ms;
    this.#isClockSure = false;
  }

  #fault(pods: readonly { readonly name: string }[], isRestart: boolean): void {
    for (const { name } of pods) {
      const pod = this.model.pods.get(name);
      if (pod === undefined) continue;
      if (isRestart) this.model.restart(pod);
      else this.model.kill(pod);
    }
  }

  #roll(fault: RevisionFault | undefined): void {
    const name = `r${this.#revisions}`;
    this.#revisions += 1;
    this.model.revisions.set(name, { name, fault, replicas: 0, counted: 0, isSeen: false });
    this.spec.revision = name;
  }

  /** The spec as it was before: a revision that is on its way out is wanted again. */
  #back(): void {
    const healthy = [...this.model.revisions.values()].filter(({ fault }) => fault === undefined);
    this.spec.revision = this.#dice.pick(healthy).name;
    this.operator.rollout.asked(this.spec.revision);
  }

  #checkScale(): void {
    const { model, operator, spec } = this;
    if (operator.scaled === undefined) return;
    const { before, decision } = operator.scaled;
    const { desired } = decision;
    if (desired < MIN_REPLICAS || desired > MAX_REPLICAS)
      model.violate(`${desired} connectors are beyond the bounds of the spec`);
    if (desired >= before || before > MAX_REPLICAS) return;
    if (model.connected > desired * CONNECTIONS_PER_POD)
      model.violate(`${desired} connectors for ${model.connected} devices: ${decision.message}`);
    if (this.#isClockSure && model.now - this.#neededAt < STABILISATION_S - 5)
      model.violate(
        `${spec.desired} connectors, and ${model.now - this.#neededAt} s ago ${before} were needed`,
      );
  }

  #check(): void {
    const { model } = this;
    if (model.told > PER_SECOND) model.violate(`${model.told} devices were told to go in one second`);
    const draining = model.live().filter(({ drain, devices }) => drain === "draining" && devices > 0);
    if (draining.length > DRAINS_AT_ONCE)
      model.violate(`${draining.length} connectors drain, and ${DRAINS_AT_ONCE} may`);
    for (const { name, revision, devices } of model.live())
      if (
        devices > 0 &&
        model.revisions.get(revision)?.fault === "loses messages" &&
        !this.operator.rollout.atOnce.has(revision)
      )
        model.violate(`${devices} devices are on ${name}, which loses messages`);
    if (model.closedFor > CLOSED_MAX_S)
      model.violate(`no way in for ${model.closedFor} s, although a connector could take devices`);
  }

  #checkEnd(): void {
    const { model, spec, operator } = this;
    const wanted = spec.desired;
    const { status } = operator.rollout.people;
    const isBroken = model.revisions.get(spec.revision)?.fault !== undefined;
    const end = isBroken ? "RolledBack" : "Done";
    if (status?.phase !== end || status.to.revision !== spec.revision)
      model.violate(`the rollout ended as ${JSON.stringify(status)}, and ${spec.revision} is wanted`);
    const serves = isBroken ? status?.from.revision : spec.revision;
    const odd = model
      .live()
      .filter((pod) => pod.revision !== serves || pod.mark !== undefined || !pod.isRouted || !pod.isReady);
    if (odd.length > 0 || model.live().length !== wanted)
      model.violate(
        `not level: ${model.live().length} pods, ${wanted} wanted; ${odd.map((pod) => JSON.stringify(pod)).join(" ")}`,
      );
    if (model.connected < model.demand)
      model.violate(`${model.demand - model.connected} devices are not connected`);
    this.#checkShares();
    if (spec.autoscaling === undefined) return;
    const needed = Math.ceil(model.connected / CONNECTIONS_PER_POD);
    if (wanted < Math.min(MAX_REPLICAS, needed))
      model.violate(`${wanted} connectors, and ${needed} are needed`);
  }
  #checkShares(): void {
    const { model, operator } = this;
    const [now, due] = [operator.clock, operator.clock - DUE_MS];
    const pods = model.live().map(({ shedMark, ...pod }) => ({ ...pod, shed: readShedMark(shedMark) }));
    // One round ends before the next begins.
    if (pods.some((pod) => isShedding(pod, now) || isShedding(pod, due))) return;
    const excess = excessOf(pods.map(({ name, devices }) => ({ name, connections: devices })));
    for (const pod of pods) {
      const beyond = excess.get(pod.name);
      // Where devices came back to where a balancer kept them, the next round waits.
      if (beyond !== undefined && mayShed(pod, now) && mayShed(pod, due))
        model.violate(`${pod.name} carries ${beyond} devices more than its share`);
    }
  }
}
