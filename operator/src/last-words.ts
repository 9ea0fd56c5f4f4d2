import type { Logger } from "pino";
import type { ChatCluster } from "./crd/definition.ts";
import { FINALIZER, letGo } from "./finalize.ts";
import type { KubeApi } from "./kube/api.ts";
import type { KubeObject } from "./kube/object.ts";
import { RESOURCES } from "./kube/object.ts";
import { blockedMessage, blockedStatus, leftBehind } from "./left-behind.ts";

export interface LastWordsOptions {
  readonly api: Pick<KubeApi, "get" | "apply" | "mergePatch">;
  readonly namespace: string;
  /** As in `status.keeper`. */
  readonly me: string;
  readonly clusters: readonly (ChatCluster & KubeObject)[];
  readonly now: Date;
  readonly log: Pick<Logger, "warn">;
}

/** Where that cannot be known, nothing is let go. */
async function isBeingDeleted({ api, namespace, log }: LastWordsOptions): Promise<boolean> {
  try {
    const { metadata } = await api.get<KubeObject>(RESOURCES.namespaces, undefined, namespace);
    return metadata.deletionTimestamp !== undefined;
  } catch (error) {
    log.warn({ err: error, namespace }, "whether the namespace goes could not be read");
    return false;
  }
}

/**
 * For an operator that ends. Where its namespace is being deleted with it inside, nobody comes after it to
 * see to the ChatClusters there. Data in volumes goes with the namespace, so these are let go; of the rest
 * the status says what is left, and they wait for somebody.
 */
export async function sayLastWords(options: LastWordsOptions): Promise<void> {
  const { api, namespace, me, clusters } = options;
  const held = clusters.filter(
    ({ metadata, status }) =>
      metadata.namespace === namespace &&
      status?.keeper === me &&
      metadata.finalizers?.includes(FINALIZER) === true,
  );
  if (held.length === 0 || !(await isBeingDeleted(options))) return;
  for (const cluster of held)
    await api
      .get<ChatCluster & KubeObject>(RESOURCES.chatClusters, namespace, cluster.metadata.name)
      .then(async (now) => say(now, options)) // Our own last writing may not have been heard of yet.
      .catch((error: unknown) => {
        options.log.warn({ err: error, cluster: cluster.metadata.name }, "last words about it were not said");
      });
}

async function say(cluster: ChatCluster & KubeObject, options: LastWordsOptions): Promise<void> {
  const { api, namespace, now } = options;
  if (cluster.spec.deletionPolicy === "Retain" || leftBehind(cluster).length === 0)
    return letGo(cluster, api);
  const why = `namespace ${namespace} is being deleted with the operator in it, and nobody else is there`;
  const { apiVersion, kind, metadata } = cluster;
  const status = blockedStatus(cluster, blockedMessage(cluster, why), now);
  const { name } = metadata;
  await api.apply(
    RESOURCES.chatClusters,
    { apiVersion, kind, metadata: { name, namespace }, status } as KubeObject,
    { subresource: "status" },
  );
}
