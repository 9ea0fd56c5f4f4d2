import type { Reading } from "@jichat/runtime/telemetry.ts";
import type { ChatCluster } from "../crd/definition.ts";
import { keyOf } from "../kube/object.ts";

/** The phase of each ChatCluster's rollout, as a gauge reads it. */
export const phaseReadings = (clusters: readonly ChatCluster[]): readonly Reading[] =>
  clusters.flatMap(({ metadata, status }) => {
    const rollout = status?.rollout;
    if (rollout === undefined) return [];
    return [{ value: 1, attributes: { chat_cluster: keyOf({ metadata }), phase: rollout.phase } }];
  });

/** What rollouts wait for, as a gauge reads it. Gates are a bounded set. */
export const blockedReadings = (clusters: readonly ChatCluster[]): readonly Reading[] =>
  clusters.flatMap(({ metadata, status }) =>
    [...new Set((status?.rollout?.blockedBy ?? []).map(({ gate }) => gate))].map((gate) => ({
      value: 1,
      attributes: { chat_cluster: keyOf({ metadata }), gate },
    })),
  );
