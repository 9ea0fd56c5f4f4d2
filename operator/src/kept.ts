import type { ChatCluster } from "./crd/definition.ts";
import { LABELS } from "./desired/names.ts";
import type { KubeObject, Resource } from "./kube/object.ts";
import { RESOURCES } from "./kube/object.ts";
import type { Observed } from "./observed.ts";

/**
 * Volumes that carry the label by which tools that prune would take them for their own. A StatefulSet makes
 * its claims with its selector's labels, which cannot change: so they are labelled anew afterwards.
 */
export const claimed = (observed: Observed): readonly KubeObject[] =>
  observed
    .ofKind("PersistentVolumeClaim")
    .filter(({ metadata }) => metadata.labels?.[LABELS.instance] !== undefined);

/** The patch that leaves a claim ours, and nobody else's. */
export const relabelling = (
  { metadata: { name } }: ChatCluster,
  { metadata }: KubeObject,
): [Resource, string | undefined, string, object] => [
  RESOURCES.volumeClaims,
  metadata.namespace,
  metadata.name,
  { metadata: { labels: { [LABELS.instance]: null, [LABELS.cluster]: name } } },
];
