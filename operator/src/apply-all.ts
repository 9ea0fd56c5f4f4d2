import { scaled } from "./scale/revisions.ts";
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
  readonly onChanged: (
    wanted: KubeObject,
    before: KubeObject | undefined,
    after: KubeObject,
  ) => Promise<void>;
}

/**
 * Applies each object on its own, so that a refused object does not stop the others. Returns the refused
 * objects. Throws an error that concerns all of them, such as an API server that does not answer.
 */
export async function applyAll(
  objects: readonly KubeObject[],
  { api, observed, normalised, onChanged }: ApplyOptions,
): Promise<readonly Refused[]> {
  const refused: Refused[] = [];
  const apply = async (wanted: KubeObject): Promise<boolean> => {
    const before = observed.find(wanted);
    try {
      const { changed, object } = await applyIfChanged(api, wanted, before, normalised);
      if (changed) await onChanged(wanted, before, object);
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
    // The pods stay as they are. Their number is still set.
    if (before?.kind === "Deployment")
      await apply(scaled(before as Workload, (wanted as Workload).spec.replicas ?? 0));
  }
  return refused;
}

/**
 * Calls `act` for each object on its own. An object that is already gone is skipped. Returns the refused
 * objects.
 */
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

/** The cures that the API server does not name in its answer. */
const CURES: Readonly<Record<string, string>> = {
  PersistentVolumeClaim: " (to grow it, let its StorageClass have allowVolumeExpansion: true)",
};
const SHOWN = 5;
const LONG = 500;

/** The message for people: each refused object by its name, with the API server's answer. */
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
