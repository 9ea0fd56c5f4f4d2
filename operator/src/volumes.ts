import { quantityOf } from "./kube/apply.ts";
import type { KubeObject } from "./kube/object.ts";
import type { Observed } from "./observed.ts";

/** The parts of a claim, or of a StatefulSet's claim template, that concern sizes. */
interface Sized {
  readonly metadata?: { readonly name?: string | undefined } | undefined;
  readonly spec?: { readonly resources?: { readonly requests?: Readonly<Record<string, string>> } };
}
type Claim = KubeObject & Pick<Sized, "spec">;
type Servers = KubeObject & { readonly spec: { readonly volumeClaimTemplates?: readonly Sized[] } };

const sizeOf = ({ spec }: Sized): string | undefined => spec?.resources?.requests?.["storage"];
const isLess = (a: string | undefined, b: string | undefined): boolean =>
  (quantityOf(a) ?? 0) < (quantityOf(b) ?? 0);

const sized = <T extends Sized>(claim: T, storage: string): T => ({
  ...claim,
  spec: { ...claim.spec, resources: { requests: { storage } } },
});

/** Keeps a volume that somebody made larger, since no volume can shrink. */
function notSmaller(wanted: Claim, observed: Observed): Claim {
  const before = observed.find(wanted);
  const has = before === undefined ? undefined : sizeOf(before);
  return has !== undefined && isLess(sizeOf(wanted), has) ? sized(wanted, has) : wanted;
}

/** The claims of a StatefulSet that are smaller than wanted, with their wanted size. */
function growing(set: Servers, observed: Observed): readonly KubeObject[] {
  return (set.spec.volumeClaimTemplates ?? []).flatMap((template) => {
    const wanted = sizeOf(template);
    const prefix = `${template.metadata?.name ?? ""}-${set.metadata.name}-`;
    return observed
      .ofKind<Claim>("PersistentVolumeClaim")
      .filter(({ metadata: { name } }) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
      .filter((claim) => wanted !== undefined && isLess(sizeOf(claim), wanted))
      .map(({ apiVersion, kind, metadata: { name, namespace } }) =>
        sized({ apiVersion, kind, metadata: { name, namespace }, spec: {} }, wanted ?? ""),
      );
  });
}

/** Kubernetes allows no change of a claim template, so the template stays as it was created. */
function asMade(set: Servers, observed: Observed): Servers {
  const before = observed.find(set)?.spec.volumeClaimTemplates ?? [];
  const volumeClaimTemplates = set.spec.volumeClaimTemplates?.map((template) => {
    const made = before.find(({ metadata }) => metadata?.name === template.metadata?.name);
    const size = made === undefined ? undefined : sizeOf(made);
    return size === undefined ? template : sized(template, size);
  });
  return volumeClaimTemplates === undefined ? set : { ...set, spec: { ...set.spec, volumeClaimTemplates } };
}

/**
 * The same objects, with volumes that grow in place. Each claim is applied by itself, since its StatefulSet
 * cannot grow it.
 */
export function withVolumes(objects: readonly KubeObject[], observed: Observed): readonly KubeObject[] {
  return objects.flatMap((object): readonly KubeObject[] => {
    if (object.kind === "PersistentVolumeClaim") return [notSmaller(object, observed)];
    if (object.kind !== "StatefulSet") return [object];
    const set = object as Servers;
    return [asMade(set, observed), ...growing(set, observed)];
  });
}
