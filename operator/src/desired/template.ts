import type { V1Affinity, V1EnvVar, V1PodSpec, V1Volume, V1VolumeMount } from "@kubernetes/client-node";
import type { Static } from "typebox";
import type { template } from "../crd/template.ts";
import type { Role } from "./names.ts";
import { selectorOf } from "./names.ts";
import type { DesiredInput } from "./desired-input.ts";

type Constraint = NonNullable<V1PodSpec["topologySpreadConstraints"]>[number];
export type Template = Static<typeof template>;

/** The spec's additions to pods of `role`. */
export function templateOf({ cluster: { spec } }: DesiredInput, role: Role): Template {
  switch (role) {
    case "connector":
    case "canary":
      return spec.connectors.template ?? {};
    case "router":
      return spec.routers.template ?? {};
    case "storage":
      return spec.storage.template ?? {};
    case "api":
      return spec.api.template ?? {};
    case "push":
      return spec.push?.template ?? {};
    case "migrate":
      return spec.migration?.template ?? spec.storage.template ?? {};
    case "nats":
    case "redis":
    case "clickhouse":
      return spec[role].managed?.template ?? {};
  }
}

/** The operator's variables, without those that the template overrides by name. */
export const variablesOf = (ours: readonly V1EnvVar[], { env = [] }: Template): V1EnvVar[] => [
  ...ours.filter(({ name }) => env.every((theirs) => theirs.name !== name)),
  ...(env as readonly V1EnvVar[]),
];

/** The operator's volumes, then those of the template. The schema refuses equal names. */
export const volumesOf = (ours: readonly V1Volume[], { volumes = [] }: Template): V1Volume[] => [
  ...ours,
  ...volumes,
];

export const mountsOf = (
  ours: readonly V1VolumeMount[],
  { volumeMounts = [] }: Template,
): V1VolumeMount[] => [...ours, ...volumeMounts];

/** Spreads pods over nodes as evenly as possible, or as the template says for pods of `role`. */
export function spreadOf(
  input: DesiredInput,
  role: Role,
  { topologySpreadConstraints }: Template,
): NonNullable<V1PodSpec["topologySpreadConstraints"]> {
  const labelSelector = { matchLabels: selectorOf(input.cluster, role) };
  if (topologySpreadConstraints !== undefined)
    return topologySpreadConstraints.map(
      (constraint) => Object.assign({ labelSelector }, constraint) as object as Constraint,
    );
  return [
    { topologyKey: "kubernetes.io/hostname", maxSkew: 1, whenUnsatisfiable: "ScheduleAnyway", labelSelector },
  ];
}

/**
 * Spreads pods over zones, or does what the template says. A second constraint would not do it: the
 * scheduler gives no score at all to nodes that lack the key of one, so without zones nothing would be spread
 * over nodes.
 */
export function affinityOf(input: DesiredInput, role: Role, { affinity }: Template): V1Affinity {
  if (affinity !== undefined) return affinity;
  const podAffinityTerm = {
    topologyKey: "topology.kubernetes.io/zone",
    labelSelector: { matchLabels: selectorOf(input.cluster, role) },
  };
  return {
    podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm }] },
  };
}
