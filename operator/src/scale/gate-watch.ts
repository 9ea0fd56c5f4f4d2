import type { Clock } from "@jichat/protocol/clock.ts";
import type { Observed } from "../observed.ts";
import type { PodMetrics } from "../pod-metrics.ts";
import type { PodObject } from "../pod-object.ts";
import { isPodReady } from "../pod-object.ts";
import { enoughOf } from "./sorted-fleet.ts";
import type { ConnectorPod, Fleet } from "./fleet.ts";
import { GateSamples } from "./gate-samples.ts";
import type { Blocked, GateFacts, Known, StorageSeen } from "./gates.ts";
import { blockedBy } from "./gates.ts";

/** The gates of each ChatCluster. What counters need of the past is in memory: a new process waits for it. */
export class GateWatch {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #clusters = new Map<string, GateSamples>();

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** The gates that are closed. Call it in each pass, also without a rollout: so the past is known. */
  look(key: string, fleet: Fleet, observed: Observed, metrics: PodMetrics): readonly Blocked[] {
    const samples = this.#clusters.get(key) ?? new GateSamples();
    this.#clusters.set(key, samples);
    const running = fleet.pods.filter(({ isRunning }) => isRunning);
    const names = running.map(({ name }) => name);
    samples.take(metrics, names, this.#clock.monotonic());
    const [fresh, old] = [true, false].map((isNew) =>
      samples.did(running.filter(({ revision }) => (revision === fleet.current) === isNew)),
    );
    return fresh === undefined || old === undefined
      ? []
      : blockedBy({ ...factsOf(fleet), fresh, old, storage: storageOf(observed, metrics) });
  }

  forget(key: string): void {
    this.#clusters.delete(key);
  }
}

function factsOf(fleet: Fleet): Pick<GateFacts, "newPods" | "otherDrains" | "perSecond"> {
  const { wanted, current, perSecond, pods } = fleet;
  const isReady = ({ revision, isReady: is, isEnding, mark }: ConnectorPod): boolean =>
    revision === current && is && !isEnding && mark === undefined;
  const needed = wanted === 0 ? 0 : enoughOf(wanted);
  return {
    newPods: { wanted: needed, ready: pods.filter(isReady).length },
    perSecond,
    otherDrains: pods.flatMap((pod) => {
      const why = leavesOtherwise(pod);
      return why === undefined ? [] : [`${pod.name} (${why})`];
    }),
  };
}

/** Why a connector that has devices leaves, if it is not for the rollout. */
function leavesOtherwise({ mark, isEnding, connections }: ConnectorPod): string | undefined {
  if (mark?.why === "OldRevision") return undefined;
  if (isEnding) return (connections ?? 0) > 0 ? "it is being deleted" : undefined;
  if (mark === undefined || connections === 0) return undefined;
  return mark.why === "Asked" ? "its drain was asked for" : "fewer connectors are wanted";
}

/** What all storages that serve say. */
function storageOf(observed: Observed, metrics: PodMetrics): Known<StorageSeen> {
  const ready = observed
    .ofKind<PodObject>("Pod", "storage")
    .filter((pod) => pod.metadata.deletionTimestamp === undefined && isPodReady(pod));
  if (ready.length === 0) return { unknown: "no storage is ready" };
  let seen: StorageSeen = { unwrittenSeconds: 0, tailBytes: 0, unheard: 0 };
  for (const { metadata } of ready) {
    const told = metrics.get(metadata.name);
    const [unwritten, tail, unheard, lag] = [
      "jichat_storage_unwritten_seconds",
      "jichat_storage_tail_bytes",
      "jichat_storage_unheard",
      "jichat_storage_lag_batches",
    ].map((name) => told?.sum(name));
    if (unwritten === undefined || tail === undefined || unheard === undefined)
      return { unknown: `${metadata.name} does not report its metrics` };
    if (lag === undefined && unheard === 0)
      return { unknown: `${metadata.name} does not know how far its logs are` };
    seen = {
      unwrittenSeconds: Math.max(seen.unwrittenSeconds, unwritten),
      tailBytes: seen.tailBytes + tail,
      unheard: seen.unheard + unheard,
    };
  }
  return seen;
}
