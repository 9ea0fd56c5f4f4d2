import type { Dice } from "@jichat/protocol/dice.ts";
import type { ClusterModel, ModelPod, ModelRevision } from "./cluster-model.ts";

/** Of a pod, what its object has. */
export type Seen = Pick<
  ModelPod,
  | "name"
  | "revision"
  | "node"
  | "isRunning"
  | "isReady"
  | "readySince"
  | "isEnding"
  | "isRouted"
  | "mark"
  | "cost"
  | "shedMark"
>;

export interface Moment {
  readonly pods: readonly Seen[];
  readonly revisions: ReadonlyMap<string, Pick<ModelRevision, "counted" | "isSeen" | "replicas">>;
  readonly slice: ReadonlySet<string>;
}

/** Watches are this many seconds late at most. */
const LATE_S = 2;

/** What there was in the last seconds: watches tell of it late. */
export class Moments {
  readonly #moments: Moment[] = [];

  remember({ pods, revisions, slice }: ClusterModel): void {
    this.#moments.push({
      pods: [...pods.values()].map((pod) => ({ ...pod })),
      revisions: new Map([...revisions].map(([name, one]) => [name, { ...one }])),
      slice,
    });
    if (this.#moments.length > LATE_S + 1) this.#moments.shift();
  }

  /** One of them, and none that is older than that. */
  late(dice: Dice, secondsMax: number): Moment {
    const late = dice.int(0, Math.min(LATE_S, Math.max(0, secondsMax)));
    const moment = this.#moments.at(-1 - late) ?? this.#moments.at(-1);
    if (moment === undefined) throw new Error("nothing has been there yet");
    return moment;
  }
}
