import { namesOf } from "@jichat/protocol/bus/names.ts";
import type { ChatCluster } from "./crd/definition.ts";
import type { ChatClusterStatus, Condition } from "./crd/status.ts";
import { clusterNameOf } from "./desired/names.ts";
import { yes } from "./kube/conditions.ts";

/** The data that only the operator can remove. The data in managed backends goes with their volumes. */
export function leftBehind({ metadata, spec }: Pick<ChatCluster, "metadata" | "spec">): readonly string[] {
  const cluster = clusterNameOf({ metadata });
  const { nats, clickhouse } = spec;
  return [
    ...(nats.external === undefined ? [] : [`streams and buckets of ${cluster} at ${nats.external.url}`]),
    ...(clickhouse.external === undefined
      ? []
      : [`database ${namesOf(cluster).database} at ${clickhouse.external.url}`]),
  ];
}

/**
 * The message that says why a ChatCluster with `deletionPolicy: Delete` is not deleted, and what to do about
 * it.
 */
export function blockedMessage(cluster: ChatCluster, why: string): string {
  const { name, namespace } = cluster.metadata;
  const left = leftBehind(cluster);
  const what = left.length === 0 ? "" : ` Not deleted: ${left.join("; ")}.`;
  return `its data could not be deleted: ${why}.${what} To delete the ChatCluster and leave that data: kubectl chat release ${name} -n ${namespace}, or set spec.deletionPolicy to Retain`;
}

/** The earlier status, with conditions that say what delays the deletion. */
export function blockedStatus(cluster: ChatCluster, message: string, now: Date): ChatClusterStatus {
  const { status, metadata } = cluster;
  const before = status?.conditions ?? [];
  const old = before.find(({ type }) => type === "Degraded");
  const degraded: Condition = {
    type: "Degraded",
    ...yes("DeletionBlocked", message),
    observedGeneration: metadata.generation,
    lastTransitionTime:
      old?.status === "True" ? old.lastTransitionTime : now.toISOString().replace(/\.\d+Z$/, "Z"),
  };
  return {
    ...status,
    observedGeneration: metadata.generation,
    conditions: [...before.filter(({ type }) => type !== "Degraded"), degraded],
  };
}
