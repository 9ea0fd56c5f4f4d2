import { scaled } from "./plan.ts";
import type { Workload } from "./desired/workloads.ts";
import type { KubeApi } from "./kube/api.ts";
import { applyIfChanged } from "./kube/apply.ts";
import { isNotFound, isRefusal } from "./kube/errors.ts";
import type { Normalised } from "./kube/normalised.ts";
import type { KubeObject } from "./kube/object.ts";
import type { Observed } from "./observed.ts";

/** An object that the API server refused. */
export interface Refused {
  readonly object: KubeObject;
  readonly error: Error;
}

export interface ApplyOptions {
  readonly api: Pick<KubeApi, "apply">;
  readonly observed: Observed;
  readonly normalised?: Normalised;
  readonly onChanged: (wanted: KubeObject, before: KubeObject | undefined) => Promise<void>;
}

/**
 * Applies each object on its own: one that is refused keeps no other from it. Returns those that were; throws
 * what concerns them all, as an API server that does not answer.
 */
export async function applyAll(
  objects: readonly KubeObject[],
  { api, observed, normalised, onChanged }: ApplyOptions,
): Promise<readonly Refused[]> {
  const refused: Refused[] = [];
  const apply = async (wanted: KubeObject): Promise<boolean> => {
    const before = observed.find(wanted);
    try {
      const { changed } = await applyIfChanged(api, wanted, before, normalised);
      if (changed) await onChanged(wanted, before);
      return true;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      refused.push({ object: wanted, error });
      return false;
    }
  };
  for (const wanted of objects) {
    if (await apply(wanted)) continue;
    const before = observed.find(wanted);
    // Its pods stay what they are; how many there are is still ours to keep.
    if (before?.kind === "Deployment")
      await apply(scaled(before as Workload, (wanted as Workload).spec.replicas ?? 0));
  }
  return refused;
}

/** Does to each what `act` does, on its own. What is gone already needs nothing; returns those refused. */
export async function actOnAll(
  objects: readonly KubeObject[],
  act: (object: KubeObject) => Promise<unknown>,
): Promise<readonly Refused[]> {
  const refused: Refused[] = [];
  for (const object of objects) {
    try {
      await act(object);
    } catch (error) {
      if (isNotFound(error)) continue;
      if (!isRefusal(error)) throw error;
      refused.push({ object, error });
    }
  }
  return refused;
}

/** What would help, where the API server does not say it. */
const CURES: Readonly<Record<string, string>> = {
  PersistentVolumeClaim: " (to grow it, let its StorageClass have allowVolumeExpansion: true)",
};
const SHOWN = 5;
const LONG = 500;

/** What people are told of them: each by its name, with what the API server said. */
export function tellRefused(refused: readonly Refused[]): string {
  const lines = new Set(
    refused.map(
      ({ object: { kind, metadata }, error: { message } }) =>
        `${kind} ${metadata.name}: ${message.slice(0, LONG)}${CURES[kind] ?? ""}`,
    ),
  );
  const more = lines.size > SHOWN ? [`and ${lines.size - SHOWN} more`] : [];
  return [...[...lines].slice(0, SHOWN), ...more].join("; ");
}
