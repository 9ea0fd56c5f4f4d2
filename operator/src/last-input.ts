import type { ChatCluster } from "./crd/definition.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import { REBALANCE_ANNOTATION } from "./scale/rebalance.ts";

const SCALED = ["connectors", "routers", "storage", "api"] as const;

/**
 * The input that is kept while a spec cannot be applied: the last valid one, with the replicas that the spec
 * wants now. Undefined if none is known of this ChatCluster; another one of the same name does not count. A
 * rebalance is not asked for: the status that would say that it is done is not written.
 */
export function lastInput(before: DesiredInput | undefined, now: ChatCluster): DesiredInput | undefined {
  if (before === undefined || before.cluster.metadata.uid !== now.metadata.uid) return undefined;
  const { spec } = before.cluster;
  // Only one process may own the embedded engine's folder, whatever number is asked for.
  const scaled = SCALED.filter((name) => name !== "storage" || spec.clickhouse.embedded === undefined);
  const replicas = scaled.map((name) => [name, { ...spec[name], replicas: now.spec[name].replicas }]);
  const { paused } = now.spec;
  const { [REBALANCE_ANNOTATION]: _, ...annotations } = now.metadata.annotations ?? {};
  return {
    ...before,
    cluster: {
      ...now,
      metadata: { ...now.metadata, annotations },
      spec: { ...spec, ...Object.fromEntries(replicas), paused },
    },
  };
}
