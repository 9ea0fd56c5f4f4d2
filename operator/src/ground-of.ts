import type { V1StatefulSet } from "@kubernetes/client-node";
import type { ChatCluster } from "./crd/definition.ts";
import type { Ground } from "./crd/ground.ts";
import { refusedChange } from "./crd/refusals.ts";
import { objectName } from "./desired/names.ts";
import type { KubeObject } from "./kube/object.ts";
import type { Observed } from "./observed.ts";

interface Storage {
  readonly size: string | number;
  readonly className?: string;
}

const volumeOf = (storage: Storage | undefined): { size?: string; className?: string } =>
  storage === undefined
    ? {}
    : {
        size: String(storage.size),
        ...(storage.className === undefined ? {} : { className: storage.className }),
      };

/** The ground on which the spec wants the data to stand. */
export function groundOf({ spec }: Pick<ChatCluster, "spec">): Ground {
  const { nats, clickhouse, partitions } = spec;
  const history = clickhouse.managed ?? clickhouse.embedded;
  return {
    partitions,
    nats:
      nats.managed === undefined
        ? { kind: "external" }
        : { kind: "managed", servers: nats.managed.replicas, ...volumeOf(nats.managed.storage) },
    clickhouse: {
      kind:
        clickhouse.managed !== undefined
          ? "managed"
          : clickhouse.embedded !== undefined
            ? "embedded"
            : "external",
      ...volumeOf(history?.storage),
    },
  };
}

type Servers = KubeObject & Pick<V1StatefulSet, "spec">;

/**
 * The ground of a ChatCluster whose status has none: an older operator kept it, or volumes of an earlier
 * ChatCluster with the same name are left. It differs from the spec only in what objects can show.
 */
function groundSeen(cluster: ChatCluster, observed: Observed): Ground {
  const wanted = groundOf(cluster);
  const { namespace, creationTimestamp = "" } = cluster.metadata;
  const serversOf = (role: "nats" | "clickhouse"): Servers | undefined =>
    observed.find<Servers>({
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { namespace, name: objectName(cluster, role) },
    });
  const set = serversOf("nats");
  // Younger volumes belong to this ChatCluster, and some may still be missing.
  const kept = observed
    .ofKind("PersistentVolumeClaim", "nats")
    .filter(({ metadata }) => set !== undefined || (metadata.creationTimestamp ?? "") < creationTimestamp);
  const running = set?.spec?.replicas ?? 0; // 0 while it hibernates.
  const servers = running > 0 ? running : kept.length;
  return {
    ...wanted,
    ...(servers > 0 && (set !== undefined || wanted.nats.kind === "managed")
      ? { nats: { ...wanted.nats, kind: "managed", servers } }
      : {}),
    ...(serversOf("clickhouse") === undefined
      ? {}
      : { clickhouse: { ...wanted.clickhouse, kind: "managed" } }),
  };
}

/** Why this spec may not be applied: a change in it would lose data. Undefined if none would. */
export const changeRefused = (cluster: ChatCluster, observed: Observed): string | undefined =>
  refusedChange(cluster.status?.ground ?? groundSeen(cluster, observed), groundOf(cluster));
