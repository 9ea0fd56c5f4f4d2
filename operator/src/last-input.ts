import type { ChatCluster } from "./crd/definition.ts";
import type { DesiredInput } from "./desired/desired-input.ts";

const SCALED = ["connectors", "routers", "storage", "api"] as const;

/**
 * What is kept while a spec cannot be acted on: the last one that could be, with as many pods as the spec
 * wants now. Undefined where none is known of this ChatCluster: another of its name is another.
 */
export function lastInput(before: DesiredInput | undefined, now: ChatCluster): DesiredInput | undefined {
  if (before === undefined || before.cluster.metadata.uid !== now.metadata.uid) return undefined;
  const { spec } = before.cluster;
  // One process owns the embedded engine's folder, whatever is asked for beside it.
  const scaled = SCALED.filter((name) => name !== "storage" || spec.clickhouse.embedded === undefined);
  const replicas = scaled.map((name) => [name, { ...spec[name], replicas: now.spec[name].replicas }]);
  const { paused } = now.spec;
  return {
    ...before,
    cluster: { ...now, spec: { ...spec, ...Object.fromEntries(replicas), paused } },
  };
}
