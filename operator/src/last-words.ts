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
  /** This operator's identity, as in `status.keeper`. */
  readonly me: string;
  readonly clusters: readonly (ChatCluster & KubeObject)[];
  readonly now: Date;
  readonly log: Pick<Logger, "warn">;
}

/** If the answer is unknown, it counts as no, and nothing is released. */
async function isBeingDeleted({ api, namespace, log }: LastWordsOptions): Promise<boolean> {
  try {
    const { metadata } = await api.get<KubeObject>(RESOURCES.namespaces, undefined, namespace);
    return metadata.deletionTimestamp !== undefined;
  } catch (error) {
    log.warn({ err: error, namespace }, "the state of the namespace could not be read");
    return false;
  }
}

/**
 * Called when an operator ends. If its namespace is being deleted, no successor will come. ChatClusters in
 * this namespace whose data is in volumes are released, since the data goes with the namespace. The status of
 * the others says what is left, and they wait for another operator.
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
      .then(async (now) => say(now, options)) // The watch may not have reported our own last write yet.
      .catch((error: unknown) => {
        options.log.warn(
          { err: error, cluster: cluster.metadata.name },
          "the last status of a ChatCluster was not written",
        );
      });
}

async function say(cluster: ChatCluster & KubeObject, options: LastWordsOptions): Promise<void> {
  const { api, namespace, now } = options;
  if (cluster.spec.deletionPolicy === "Retain" || leftBehind(cluster).length === 0)
    return letGo(cluster, api);
  const why = `namespace ${namespace} is being deleted with its operator, and there is no other operator`;
  const { apiVersion, kind, metadata } = cluster;
  const status = blockedStatus(cluster, blockedMessage(cluster, why), now);
  const { name } = metadata;
  await api.apply(
    RESOURCES.chatClusters,
    { apiVersion, kind, metadata: { name, namespace }, status } as KubeObject,
    { subresource: "status" },
  );
}
