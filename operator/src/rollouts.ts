import type { Clock } from "@jichat/protocol/clock.ts";
import type { ChatCluster } from "./crd/definition.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import type { Informers } from "./informers.ts";
import type { Keeper } from "./keeper.ts";
import type { KubeApi } from "./kube/api.ts";
import type { EventAbout, EventRecorder } from "./kube/events.ts";
import type { KubeObject } from "./kube/object.ts";
import { RESOURCES, keyOf } from "./kube/object.ts";
import type { Observed } from "./observed.ts";
import type { BackendsSeen } from "./plan.ts";
import type { PodMetrics } from "./pod-metrics.ts";
import type { CanaryVerdict } from "./scale/canary.ts";
import { connectorsTold, fleetOf } from "./scale/read-fleet.ts";
import { PROMOTE_ANNOTATION, ROLLBACK_ANNOTATION, readRollout } from "./scale/read-rollout.ts";
import { wantedRevision } from "./scale/revisions.ts";
import { rolloutOf } from "./scale/rollout.ts";
import type { rolloutJudges } from "./scale/rollout-judges.ts";
import type { Rollout } from "./scale/rollout-state.ts";
import { isAtRest, isMoving } from "./scale/rollout-state.ts";
import type { Claim } from "./scale/slot.ts";
import { hasSlot } from "./scale/slot.ts";

export type RolloutJudges = Omit<ReturnType<typeof rolloutJudges>, "stop">;

export interface RolloutParts {
  readonly api: Pick<KubeApi, "apply" | "get" | "mergePatch">;
  readonly informers: Pick<Informers, "clusters">;
  readonly events: Pick<EventRecorder, "tell">;
  readonly keeper: Pick<Keeper, "me">;
  readonly judges: RolloutJudges;
  /** How many ChatClusters move their devices at once. */
  readonly rolloutsAtOnce: number;
  readonly clock: Pick<Clock, "monotonic">;
}

/** A ChatCluster that no pass has come to for so long, such as one whose Secret is gone, holds no slot. */
const UNSEEN_MS = 120_000;

interface Known {
  readonly uid: string | undefined;
  readonly rollout: Rollout;
}

const CANARY_UNKNOWN: CanaryVerdict = { state: "proving", message: "the canary has not been made yet" };

/** What a pass sees, apart from the input and the objects. */
export interface Sight {
  readonly now: number;
  readonly backends: BackendsSeen;
  readonly metrics: PodMetrics;
}

/**
 * Where the rollout of each ChatCluster stands. The status has it, and is written before anything that
 * follows from a new phase, so an operator that dies is followed by one that goes on. What this process
 * decided counts before the watch reports it.
 */
export class Rollouts {
  readonly #parts: RolloutParts;
  readonly #known = new Map<string, Known>();
  /** When a pass came to each ChatCluster last, and to any of them first, by the monotonic clock. */
  readonly #lookedAt = new Map<string, number>();
  #began: number | undefined;

  constructor(parts: RolloutParts) {
    this.#parts = parts;
  }

  /** The rollout as it is now, told in the status if it went on. Undefined while nothing is known of one. */
  async look(input: DesiredInput, observed: Observed, sight: Sight): Promise<Rollout | undefined> {
    const { cluster } = input;
    const key = keyOf(cluster);
    const lookedAt = this.#parts.clock.monotonic();
    this.#lookedAt.set(key, lookedAt);
    this.#began ??= lookedAt;
    const known = this.#known.get(key);
    const before = known === undefined ? unmeasured(this.#of(cluster)) : this.#of(cluster);
    if (cluster.spec.paused && before === undefined) return undefined;
    const rollout = this.#decide(input, observed, sight, before);
    // Before the first wait: another ChatCluster's pass must see who has a slot.
    this.#known.set(key, { uid: cluster.metadata.uid, rollout });
    try {
      await this.#tell(cluster, before, rollout);
    } catch (error) {
      if (known === undefined) this.#known.delete(key);
      else this.#known.set(key, known);
      throw error;
    }
    if (!cluster.spec.paused) await this.#take(cluster, rollout);
    return rollout;
  }

  /** The same ChatCluster, where its status has what this process decided last. */
  over<T extends ChatCluster>(cluster: T): T {
    const rollout = this.#of(cluster);
    const { status } = cluster;
    return status === undefined || rollout === undefined
      ? cluster
      : { ...cluster, status: { ...status, rollout } };
  }

  /** Whether processes restart and devices move because of it: nothing else may change their template. */
  isMoving(cluster: ChatCluster): boolean {
    const rollout = this.#of(cluster);
    return rollout !== undefined && isMoving(rollout);
  }

  forget(key: string): void {
    this.#known.delete(key);
    this.#lookedAt.delete(key);
    this.#parts.judges.forget(key);
  }

  /** A ChatCluster of the same name may be another one. */
  #of({ metadata, status }: ChatCluster): Rollout | undefined {
    const known = this.#known.get(keyOf({ metadata }));
    return known !== undefined && known.uid === metadata.uid ? known.rollout : status?.rollout;
  }

  #decide(
    input: DesiredInput,
    observed: Observed,
    { now, backends, metrics }: Sight,
    before: Rollout | undefined,
  ): Rollout {
    const { judges, rolloutsAtOnce } = this.#parts;
    const key = keyOf(input.cluster);
    const steering = { current: wantedRevision(input), drainsOld: true, isUrgent: false };
    const fleet = fleetOf(input, observed, steering, connectorsTold(now, metrics));
    const asksCanary = before?.phase === "Canary" || before?.phase === "Waiting";
    const isPaused = input.cluster.spec.paused;
    if (!asksCanary) judges.forgetCanary(key);
    return rolloutOf(before, {
      ...readRollout(input, observed, fleet, backends),
      canary:
        asksCanary && before.to.revision === steering.current && !isPaused
          ? judges.canary(key, input, observed)
          : CANARY_UNKNOWN,
      gates: judges.gates(key, fleet, observed, metrics),
      hasSlot: (rollout) => hasSlot({ key, rollout, isPaused }, this.#claims(), rolloutsAtOnce, now),
    });
  }

  /** The rollouts of all ChatClusters that are this operator's. */
  #claims(): readonly Claim[] {
    const { informers, keeper, clock } = this.#parts;
    const now = clock.monotonic();
    return informers.clusters().flatMap((cluster): readonly Claim[] => {
      const { status, spec, metadata } = cluster;
      if (status?.keeper !== undefined && status.keeper !== keeper.me) return [];
      const rollout = this.#of(cluster);
      if (rollout === undefined || metadata.deletionTimestamp !== undefined) return [];
      const lookedAt = this.#lookedAt.get(keyOf(cluster)) ?? this.#began ?? now;
      if (now - lookedAt > UNSEEN_MS) return [];
      return [{ key: keyOf(cluster), rollout, isPaused: spec.paused || spec.hibernate }];
    });
  }

  /** Writes a new phase into the status before anybody acts on it. A first install has no status yet. */
  async #tell(cluster: ChatCluster, before: Rollout | undefined, rollout: Rollout): Promise<void> {
    const isSame =
      before?.phase === rollout.phase &&
      before.to.revision === rollout.to.revision &&
      before.isPromoted === rollout.isPromoted;
    if (isSame || (before === undefined && isAtRest(rollout))) return;
    const { api, events } = this.#parts;
    const { namespace, name } = cluster.metadata;
    // The watch may be late, and the status has more than this.
    const { status } = await api.get<ChatCluster & KubeObject>(RESOURCES.chatClusters, namespace, name);
    if (status === undefined) return;
    const { apiVersion, kind } = cluster;
    const metadata = { name, namespace };
    await api.apply(
      RESOURCES.chatClusters,
      { apiVersion, kind, metadata, status: { ...status, rollout } } as KubeObject,
      { subresource: "status" },
    );
    await events.tell(cluster, eventOf(rollout));
  }

  /** Removes a person's word that was taken: the next time it is said, it is a new one. */
  async #take(cluster: ChatCluster, { phase, to, isPromoted }: Rollout): Promise<void> {
    const { namespace, name, annotations = {} } = cluster.metadata;
    const isBack = phase === "RollingBack" || phase === "RolledBack";
    // Said too late, it would count for a later rollout to the same revision.
    const isLate = phase === "Done";
    const taken = [
      ...(isPromoted === true || isLate ? [PROMOTE_ANNOTATION] : []),
      ...(isBack || isLate ? [ROLLBACK_ANNOTATION] : []),
    ].filter((annotation) => annotations[annotation] === to.revision);
    if (taken.length === 0) return;
    const gone = Object.fromEntries(taken.map((annotation) => [annotation, null]));
    const metadata = { annotations: gone };
    await this.#parts.api.mergePatch(RESOURCES.chatClusters, namespace, name, { metadata });
  }
}

/** Before its first look, a process cannot tell a rollout that stood still from one that nobody looked at. */
function unmeasured(rollout: Rollout | undefined): Rollout | undefined {
  if (rollout === undefined) return undefined;
  const { progress: _, ...rest } = rollout;
  return rest;
}

function eventOf({ phase, from, to, failed, message }: Rollout): EventAbout {
  const isBack = (phase === "RollingBack" || phase === "RolledBack") && failed !== undefined;
  const way = `${from.version} (${from.revision}) to ${to.version} (${to.revision})`;
  const why = isBack ? failed.reason : message;
  const note = `rollout of ${way}: ${phase}${why === "" ? "" : `: ${why}`}`;
  const action = "Rollout";
  return isBack
    ? { type: "Warning", reason: "RolloutFailed", action, note }
    : { type: "Normal", reason: "RolloutMoved", action, note };
}
