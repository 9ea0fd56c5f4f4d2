import type { DesiredInput } from "./desired-input.ts";
import { LABELS, labelsOf, metaOf, selectorOf } from "./names.ts";
import type { Workload } from "./workloads.ts";
import { connectorRevision } from "./workloads.ts";

/** Tells a connector to offer itself to no connector that drains: no device can reach a canary. */
const HIDDEN = { name: "TAKES_DEVICES", value: "no" };

/**
 * One connector of the present template that proves itself before any other pod changes. It is a component of
 * its own, so neither the connectors' Service nor their disruption budget, their scale or a count of
 * connectors has it. A new template replaces the pod: there are never two.
 */
export function canaryDeployment(input: DesiredInput): Workload {
  const { cluster } = input;
  const { apiVersion, kind, metadata, spec } = connectorRevision(input, 1);
  const { [LABELS.revision]: revision = "" } = metadata.labels ?? {};
  const labels = { ...labelsOf(cluster, "canary"), [LABELS.revision]: revision };
  const { [LABELS.routed]: _, ...ofPods } = spec.template.metadata.labels;
  const containers = spec.template.spec.containers.map((container) =>
    Object.assign({}, container, { env: [...(container.env ?? []), HIDDEN] }),
  );
  return {
    apiVersion,
    kind,
    metadata: { ...metaOf(cluster, "canary"), labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: selectorOf(cluster, "canary") },
      strategy: { type: "Recreate" },
      revisionHistoryLimit: 0,
      template: {
        metadata: { ...spec.template.metadata, labels: { ...ofPods, ...labels } },
        spec: Object.assign({}, spec.template.spec, { containers }),
      },
    },
  };
}
