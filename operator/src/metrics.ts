import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { DecisionMemory, ScaleState } from "./decision-memory.ts";
import type { Informers } from "./informers.ts";
import type { KubeApi } from "./kube/api.ts";
import type { Outcome } from "./kube/controller.ts";
import type { WorkQueue } from "./kube/work-queue.ts";
import { blockedReadings, phaseReadings } from "./scale/rollout-readings.ts";
import type { Told } from "./talk/talk.ts";
import type { TalkWatch } from "./talk/talk-watch.ts";

export interface OperatorMetrics {
  readonly countRetry: (kind: string) => void;
  readonly countApplied: () => void;
  readonly countRefused: (kind: string) => void;
  readonly countPass: (outcome: Outcome, ms: number) => void;
  readonly countTalk: (told: Told) => void;
  /** Starts to report the state of each ChatCluster. */
  readonly tellStates: (of: States) => void;
}

/** Who knows whether people can talk, how many pods load asks for, and where rollouts stand. */
interface States {
  readonly talks: Pick<TalkWatch, "states">;
  readonly decisions: Pick<DecisionMemory, "states">;
  readonly informers: Pick<Informers, "clusters">;
}

export function operatorMetrics(telemetry: Telemetry, queue: WorkQueue, api: KubeApi): OperatorMetrics {
  const retries = telemetry.counter(
    "jichat_operator_watch_retries",
    "watches and lists that broke off, by kind",
  );
  const applied = telemetry.counter("jichat_operator_applied", "objects that were written");
  const refused = telemetry.counter(
    "jichat_operator_refused",
    "objects that the API server refused, by kind; once a pass",
  );
  const passes = telemetry.counter("jichat_operator_passes", "passes over a ChatCluster, by outcome");
  const seconds = telemetry.histogram("jichat_operator_pass", "how long a pass takes");
  telemetry.gauge("jichat_operator_queue_depth", "ChatClusters that wait for a pass", () => queue.depth);
  telemetry.gauge(
    "jichat_operator_requests",
    "requests to the API server since the start",
    () => api.requests,
  );
  const talks = telemetry.histogram(
    "jichat_operator_synthetic_talk",
    "how long a synthetic talk takes, by outcome: ok, or the step that failed",
  );
  return {
    countTalk: ({ outcome, ms }) => {
      talks.record(ms / 1_000, { outcome });
    },
    tellStates: ({ talks: watch, decisions, informers }) => {
      talkGauge(telemetry, watch);
      scaleGauges(telemetry, decisions);
      rolloutGauges(telemetry, informers);
    },
    countRetry: (kind) => {
      retries.add(1, { kind });
    },
    countApplied: () => {
      applied.add(1);
    },
    countRefused: (kind) => {
      refused.add(1, { kind });
    },
    countPass: (outcome, ms) => {
      passes.add(1, { outcome });
      seconds.record(ms / 1_000);
    },
  };
}

function talkGauge(telemetry: Telemetry, talks: States["talks"]): void {
  telemetry.gauge(
    "jichat_operator_people_can_talk",
    "by ChatCluster: 1, or 0 after two talks in a row that failed; NaN while it is not known",
    () =>
      [...talks.states()].map(({ key, canTalk }) => ({
        value: canTalk,
        attributes: { chat_cluster: key },
      })),
  );
}

function rolloutGauges(telemetry: Telemetry, informers: States["informers"]): void {
  telemetry.gauge("jichat_operator_rollout", "1, by ChatCluster and by the phase of its rollout", () =>
    phaseReadings(informers.clusters()),
  );
  telemetry.gauge(
    "jichat_operator_rollout_blocked",
    "1 for each gate that a rollout waits for, by ChatCluster",
    () => blockedReadings(informers.clusters()),
  );
}

function scaleGauges(telemetry: Telemetry, decisions: States["decisions"]): void {
  const each = (read: (state: ScaleState) => number) => () =>
    decisions.states().map((state) => ({
      value: read(state),
      attributes: { chat_cluster: state.key, component: state.component },
    }));
  telemetry.gauge(
    "jichat_operator_autoscaler_desired",
    "pods that the autoscaler wants, by ChatCluster and component",
    each(({ told }) => told.desired),
  );
  telemetry.gauge(
    "jichat_operator_autoscaler_ready",
    "of these, pods that are ready",
    each(({ ready }) => ready),
  );
  telemetry.gauge(
    "jichat_operator_autoscaler_reason",
    "1 for the reason of the present decision, by ChatCluster and component",
    () =>
      decisions.states().map(({ key, component, told }) => ({
        value: 1,
        attributes: { chat_cluster: key, component, reason: told.reason },
      })),
  );
}
