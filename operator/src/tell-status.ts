import { hashOf } from "./kube/hash.ts";
import type { ChatCluster } from "./crd/definition.ts";
import type { ChatClusterStatus } from "./crd/status.ts";
import type { Keeper } from "./keeper.ts";
import type { KubeApi } from "./kube/api.ts";
import { transitionsOf } from "./kube/conditions.ts";
import type { EventRecorder } from "./kube/events.ts";
import type { KubeObject } from "./kube/object.ts";
import { RESOURCES } from "./kube/object.ts";

/** Conditions whose change is worth a line in `kubectl describe`. */
const TOLD = new Set([
  "Ready",
  "SpecValid",
  "BackendsReachable",
  "StreamsInSync",
  "SchemaInSync",
  "SyntheticTalk",
  "Reconciled",
  "Rotated",
  "LevelRaised",
  "Paused",
  "Degraded",
]);

export interface StatusParts {
  readonly api: Pick<KubeApi, "apply">;
  readonly events: Pick<EventRecorder, "tell">;
  readonly keeper: Pick<Keeper, "me">;
}

const RESCALED = "Rescaled";
type Autoscaler = ChatClusterStatus["autoscaler"];

/** The numbers that are decided anew. The first decision is no change of one. */
const rescales = (before: Autoscaler, after: Autoscaler): readonly string[] =>
  (["connectors", "routers"] as const).flatMap((component) => {
    const [from, to] = [before?.[component]?.desired, after?.[component]];
    return from === undefined || to === undefined || from === to.desired
      ? []
      : [`${component} from ${from} to ${to.desired}: ${to.message}`];
  });

/** Writes the status if it differs, and an Event for each condition that changed. */
export async function tellStatus(
  { api, events, keeper }: StatusParts,
  cluster: ChatCluster,
  told: ChatClusterStatus,
): Promise<void> {
  const status = { ...told, keeper: keeper.me };
  const before = cluster.status;
  if (before !== undefined && hashOf(before) === hashOf(status)) return;
  const { namespace, name } = cluster.metadata;
  const { apiVersion, kind } = cluster;
  await api.apply(
    RESOURCES.chatClusters,
    { apiVersion, kind, metadata: { name, namespace }, status } as KubeObject,
    { subresource: "status" },
  );
  for (const note of rescales(before?.autoscaler, status.autoscaler))
    await events.tell(cluster, { type: "Normal", action: "Scale", note, reason: RESCALED });
  for (const { type, status: is, reason, message } of transitionsOf(
    before?.conditions ?? [],
    status.conditions,
  )) {
    if (!TOLD.has(type) || is === "Unknown") continue;
    const isUnderWay =
      (type === "Rotated" && reason !== "TooManyKeys") ||
      (type === "LevelRaised" && reason !== "RaiseFailed");
    const isGood = isUnderWay || (is === "True") !== (type === "Degraded" || type === "Paused");
    const note = `${type} is ${is}: ${message === "" ? reason : message}`;
    await events.tell(cluster, {
      type: isGood || type === "Paused" ? "Normal" : "Warning",
      reason,
      action: "Reconcile",
      note,
    });
  }
}
