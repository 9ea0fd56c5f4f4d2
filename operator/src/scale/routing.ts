import type { DesiredInput } from "../desired/desired-input.ts";
import { LABELS, objectName } from "../desired/names.ts";
import type { KubeObject } from "../kube/object.ts";
import type { Observed } from "../observed.ts";
import { DRAIN_ANNOTATION } from "./drain-mark.ts";

type Service = KubeObject & { readonly spec: { readonly selector?: Readonly<Record<string, string>> } };

/**
 * Whether the Service may select by the label of routed pods. Pods that an older operator made get it first:
 * with the selector before them, nobody could connect.
 */
function mayRoute(service: Service, observed: Observed): boolean {
  if (observed.find(service)?.spec.selector?.[LABELS.routed] !== undefined) return true;
  return observed
    .ofKind("Pod", "connector")
    .filter(({ metadata }) => metadata.annotations?.[DRAIN_ANNOTATION] === undefined)
    .every(({ metadata }) => metadata.labels?.[LABELS.routed] !== undefined);
}

/** The same objects, with the connectors' Service as it may be now. */
export const withRouting = (
  objects: readonly KubeObject[],
  input: DesiredInput,
  observed: Observed,
): readonly KubeObject[] =>
  objects.map((object) => {
    const name = objectName(input.cluster, "connector");
    if (object.kind !== "Service" || object.metadata.name !== name) return object;
    const service = object as Service;
    if (mayRoute(service, observed)) return service;
    const { [LABELS.routed]: _, ...selector } = service.spec.selector ?? {};
    return { ...service, spec: { ...service.spec, selector } };
  });
