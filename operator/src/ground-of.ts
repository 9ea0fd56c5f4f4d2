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

/** What the data is to stand on. */
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
 * What it stands on where no status remembers it: an operator before this one kept it, or volumes of a
 * ChatCluster of the same name are still there. Only what objects can tell differs from what is wanted.
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
  // Younger volumes are our own, and may not all be made yet.
  const kept = observed
    .ofKind("PersistentVolumeClaim", "nats")
    .filter(({ metadata }) => set !== undefined || (metadata.creationTimestamp ?? "") < creationTimestamp);
  const running = set?.spec?.replicas ?? 0; // Hibernating it is 0.
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

/** Why this spec may not be acted on: a change of it would lose data. Undefined where none would. */
export const changeRefused = (cluster: ChatCluster, observed: Observed): string | undefined =>
  refusedChange(cluster.status?.ground ?? groundSeen(cluster, observed), groundOf(cluster));
