import type { Dice } from "@jichat/protocol/dice.ts";
import type { DrainState } from "@jichat/protocol/drain.ts";

/** A connector's pod, as Kubernetes and the connector itself have it. */
export interface ModelPod {
  readonly name: string;
  readonly revision: string;
  readonly node: string;
  readonly bornAt: number;
  startsAt: number;
  /** Its container runs. */
  isRunning: boolean;
  /** The kubelet's last probe of `/readyz`. */
  isReady: boolean;
  /** It is ready, or is not, since then. */
  readySince: number;
  isEnding: boolean;
  endsAt: number;
  isRouted: boolean;
  cost: number;
  mark: string | undefined;
  devices: number;
  drain: DrainState;
  perSecond: number;
  drainEnds: number;
  shedMark: string | undefined;
  /** Devices that are still to be told to go to others, and how many in a second. */
  shedLeft: number;
  shedPerSecond: number;
}

/** `never ready`: its pods never come up. The others do, and harm who is connected to them. */
export type RevisionFault = "never ready" | "loses messages" | "fails under load";

export interface ModelRevision {
  readonly name: string;
  readonly fault: RevisionFault | undefined;
  replicas: number;
  counted: number;
  isSeen: boolean;
}

/** Watches and controllers have heard of a fault after this time. */
const UPSET_S = 4;
const NODES = ["a", "b", "c"];
/** A pod that is deleted is gone after this time. */
const END_S = 3;

/** What answers `/readyz` with 200. */
const answers = (pod: ModelPod, isBroken: boolean): boolean =>
  pod.isRunning && !pod.isEnding && !isBroken && pod.drain === "none";

/**
 * Kubernetes and its connectors in steps of one second: Deployments that keep their replicas, probes and
 * EndpointSlices that come late, and devices that connect wherever the slice sends them.
 */
export class ClusterModel {
  now = 0;
  readonly pods = new Map<string, ModelPod>();
  readonly revisions = new Map<string, ModelRevision>();
  /** The pods that the Service's EndpointSlice has as ready. */
  slice: ReadonlySet<string> = new Set();
  /** Devices that want to be connected. */
  demand = 0;
  readonly violations: string[] = [];
  /** Devices that were told to go in this second. */
  told = 0;
  /** When a pod that was released was deleted last. */
  wentAt = Number.NEGATIVE_INFINITY;
  /** Seconds since there was no way in although a pod could take devices. */
  closedFor = 0;
  readonly #dice: Dice;
  #born = 0;
  #faultAt = Number.NEGATIVE_INFINITY;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  violate(what: string): void {
    this.violations.push(`at ${this.now} s: ${what}`);
  }

  live(revision?: string): ModelPod[] {
    return [...this.pods.values()].filter(
      (pod) => !pod.isEnding && (revision === undefined || pod.revision === revision),
    );
  }

  /** Whether it takes new devices, in truth. */
  serves(pod: ModelPod): boolean {
    return answers(pod, this.revisions.get(pod.revision)?.fault === "never ready");
  }

  get connected(): number {
    let sum = 0;
    for (const { devices } of this.pods.values()) sum += devices;
    return sum;
  }

  /** A second of all that is not the operator. */
  step(): void {
    this.now += 1;
    this.#kubelets();
    this.#controllers();
    this.#endpoints();
    this.#drains();
    this.#devices();
  }

  /** Whether something just died that nobody may have heard of yet. */
  get isUpset(): boolean {
    return this.now - this.#faultAt <= UPSET_S;
  }

  /** Its node or its kernel takes it: devices are cut off, and its Deployment makes another. */
  kill(pod: ModelPod): void {
    this.#faultAt = this.now;
    this.pods.delete(pod.name);
  }

  /** The container ends and starts again: it knows nothing of a drain. */
  restart(pod: ModelPod): void {
    this.#faultAt = this.now;
    if (pod.isReady) pod.readySince = this.now;
    Object.assign(pod, { isRunning: false, isReady: false, devices: 0, drain: "none", shedLeft: 0 });
    pod.startsAt = this.now + this.#dice.int(2, 8);
  }

  #kubelets(): void {
    for (const pod of this.pods.values()) {
      if (pod.isEnding && this.now >= pod.endsAt) this.pods.delete(pod.name);
      if (!pod.isRunning && !pod.isEnding && this.now >= pod.startsAt) pod.isRunning = true;
      const isReady = this.serves(pod);
      if (isReady === pod.isReady || !this.#dice.chance(0.5)) continue;
      pod.isReady = isReady;
      pod.readySince = this.now;
    }
  }

  /** In the order of kube-controller-manager: what is not ready, then the lowest deletion cost. */
  #controllers(): void {
    for (const revision of this.revisions.values()) {
      if (!this.#dice.chance(0.7)) continue;
      const live = this.live(revision.name);
      for (let at = live.length; at < revision.replicas; at += 1) this.#create(revision.name);
      const order = live.sort(
        (a, b) =>
          Number(a.isRunning) - Number(b.isRunning) ||
          Number(a.isReady) - Number(b.isReady) ||
          a.cost - b.cost ||
          b.bornAt - a.bornAt,
      );
      for (const pod of order.slice(0, Math.max(0, live.length - revision.replicas))) this.#delete(pod);
      revision.counted = revision.replicas;
      revision.isSeen = true;
    }
  }

  #create(revision: string): void {
    this.#born += 1;
    const counts = NODES.map((node) => this.live().filter((pod) => pod.node === node).length);
    const node = NODES[counts.indexOf(Math.min(...counts))] ?? "a";
    const name = `pod-${this.#born}`;
    this.pods.set(name, {
      name,
      revision,
      node,
      bornAt: this.now,
      startsAt: this.now + this.#dice.int(2, 12),
      isRunning: false,
      isReady: false,
      readySince: this.now,
      isEnding: false,
      endsAt: 0,
      isRouted: true,
      cost: 0,
      mark: undefined,
      devices: 0,
      drain: "none",
      perSecond: 0,
      drainEnds: 0,
      shedMark: undefined,
      shedLeft: 0,
      shedPerSecond: 0,
    });
  }

  #delete(pod: ModelPod): void {
    const isForced = pod.mark?.includes('"forced"') === true;
    // A pod that dies between its release and the fall of the replicas is replaced: its neighbour goes then.
    if (pod.devices > 0 && !isForced && !this.isUpset)
      this.violate(`${pod.name} was deleted with ${pod.devices} devices, and nobody said so`);
    if (pod.mark?.includes('"goesSince"') === true) this.wentAt = this.now;
    pod.isEnding = true;
    pod.isReady = false;
    pod.devices = 0;
    pod.endsAt = this.now + END_S;
  }

  #endpoints(): void {
    if (this.#dice.chance(0.6))
      this.slice = new Set(
        [...this.pods.values()]
          .filter((pod) => pod.isReady && pod.isRouted && !pod.isEnding)
          .map(({ name }) => name),
      );
  }

  #drains(): void {
    this.told = 0;
    for (const pod of this.pods.values()) {
      this.#shed(pod);
      if (pod.drain !== "draining") continue;
      const moved = Math.min(pod.perSecond, pod.devices);
      pod.devices -= moved;
      this.told += moved;
      if (this.now >= pod.drainEnds) pod.devices = 0;
      if (pod.devices === 0) pod.drain = "drained";
    }
  }

  /** A drain ends a shed: all devices go. */
  #shed(pod: ModelPod): void {
    if (pod.drain !== "none" || pod.isEnding) pod.shedLeft = 0;
    const moved = Math.min(pod.shedLeft, pod.shedPerSecond, pod.devices);
    pod.devices -= moved;
    this.told += moved;
    pod.shedLeft = Math.min(pod.shedLeft - moved, pod.devices);
  }

  /** Who is not connected tries one of the slice. Proxies still know a slice of a moment ago. */
  #devices(): void {
    let left = this.demand - this.connected;
    const ways = [...this.slice].flatMap((name) => this.pods.get(name) ?? []);
    if (left > 0) {
      const share = Math.ceil(left / Math.max(1, ways.length));
      for (const pod of ways) {
        const some = Math.min(left, share);
        if (some > 0 && (pod.drain === "draining" || pod.drain === "drained"))
          this.violate(`${pod.name} refused ${some} devices while it drains`);
        else if (this.serves(pod)) pod.devices += some;
        left -= some;
      }
    }
    for (const pod of left < 0 ? this.pods.values() : []) {
      const some = Math.min(pod.devices, -left);
      pod.devices -= some;
      left += some;
    }
    const couldTake = this.live().some((pod) => pod.isReady && this.serves(pod));
    this.closedFor = ways.length === 0 && couldTake ? this.closedFor + 1 : 0;
  }
}
