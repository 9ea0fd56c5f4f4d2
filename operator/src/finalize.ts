import type { ChatCluster } from "./crd/definition.ts";
import { KEYS } from "./desired/resources.ts";
import { objectName } from "./desired/names.ts";
import type { DesiredInput } from "./desired/desired-input.ts";
import type { KubeApi } from "./kube/api.ts";
import { isNotFound } from "./kube/errors.ts";
import { leftBehind } from "./left-behind.ts";
import type { KubeObject } from "./kube/object.ts";
import { RESOURCES, resourceOf } from "./kube/object.ts";
import type { Observed } from "./observed.ts";

export const FINALIZER = "chat.jichat.io/data";

export interface FinalizeOptions {
  readonly api: Pick<KubeApi, "remove" | "mergePatch">;
  readonly removeData: (input: DesiredInput) => Promise<void>;
  /** The error if the spec names something that does not exist any more. */
  readonly input: DesiredInput | Error;
}

/**
 * Adds the finalizer if the data is to be deleted with the ChatCluster, and removes it if not. Without it
 * nothing delays the deletion: the ChatCluster and its namespace can go without any operator.
 */
export async function hold(cluster: ChatCluster, api: Pick<KubeApi, "mergePatch">): Promise<void> {
  const { namespace, name, finalizers = [], resourceVersion } = cluster.metadata;
  const isHeld = finalizers.includes(FINALIZER);
  const isWanted = cluster.spec.deletionPolicy === "Delete";
  if (isHeld === isWanted) return;
  if (isHeld) return letGo(cluster, api);
  const metadata = { finalizers: [...finalizers, FINALIZER], resourceVersion };
  await api.mergePatch(RESOURCES.chatClusters, namespace, name, { metadata });
}

/**
 * Releases a ChatCluster. Its objects are deleted through their owner reference. Data is deleted here, only
 * with `deletionPolicy: Delete`, and only once no pod is left that could write it again. Returns what is
 * still waited for.
 */
export async function finalize(
  cluster: ChatCluster,
  observed: Observed,
  options: FinalizeOptions,
): Promise<string | undefined> {
  const { api, removeData, input } = options;
  const { namespace, finalizers = [] } = cluster.metadata;
  if (!finalizers.includes(FINALIZER)) return undefined;
  if (cluster.spec.deletionPolicy === "Delete") {
    for (const object of [
      ...observed.ofKind("Deployment"),
      ...observed.ofKind("StatefulSet"),
      ...observed.ofKind("Job"),
    ])
      await removeIfThere(api, object);
    const pods = observed.ofKind("Pod").length;
    if (pods > 0) return `${pods} pods`;
    if (!(input instanceof Error)) await removeData(input);
    else if (leftBehind(cluster).length > 0) throw input;
    for (const claim of observed.ofKind("PersistentVolumeClaim")) await removeIfThere(api, claim);
    await removeIfThere(api, {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { namespace, name: objectName(cluster, KEYS) },
    });
  }
  await letGo(cluster, api);
  return undefined;
}

/** Removes the finalizer, so that nothing of the operator delays the deletion. */
export async function letGo(cluster: ChatCluster, api: Pick<KubeApi, "mergePatch">): Promise<void> {
  const { namespace, name, finalizers = [] } = cluster.metadata;
  const metadata = {
    finalizers: finalizers.filter((one) => one !== FINALIZER),
    resourceVersion: cluster.metadata.resourceVersion,
  };
  try {
    await api.mergePatch(RESOURCES.chatClusters, namespace, name, { metadata });
  } catch (error) {
    // An earlier pass removed it, and the watch has not reported that yet.
    if (!isNotFound(error)) throw error;
  }
}

/** Removes an object. Another client may have removed it first. */
export async function removeIfThere(api: Pick<KubeApi, "remove">, object: KubeObject): Promise<void> {
  try {
    await api.remove(resourceOf(object), object.metadata.namespace, object.metadata.name);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
