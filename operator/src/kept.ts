import type { ChatCluster } from "./crd/definition.ts";
import { LABELS } from "./desired/names.ts";
import type { KubeObject, Resource } from "./kube/object.ts";
import { RESOURCES } from "./kube/object.ts";
import type { Observed } from "./observed.ts";

/**
 * Volumes with the label by which pruning tools would claim them. A StatefulSet labels its claims by its
 * selector, which cannot change, so the claims are relabelled afterwards.
 */
export const claimed = (observed: Observed): readonly KubeObject[] =>
  observed
    .ofKind("PersistentVolumeClaim")
    .filter(({ metadata }) => metadata.labels?.[LABELS.instance] !== undefined);

/** The patch that keeps the operator's labels on a claim, and removes the label of pruning tools. */
export const relabelling = (
  { metadata: { name } }: ChatCluster,
  { metadata }: KubeObject,
): [Resource, string | undefined, string, object] => [
  RESOURCES.volumeClaims,
  metadata.namespace,
  metadata.name,
  { metadata: { labels: { [LABELS.instance]: null, [LABELS.cluster]: name } } },
];
