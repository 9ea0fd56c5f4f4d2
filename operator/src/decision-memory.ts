import type { ChatCluster } from "./crd/definition.ts";
import type { ChatClusterStatus, ScaledTold } from "./crd/status.ts";
import { keyOf } from "./kube/object.ts";

interface Decided extends Pick<ChatClusterStatus, "autoscaler" | "rebalanced"> {
  readonly uid: string;
  readonly ready: Readonly<Record<"connectors" | "routers", number>>;
}

/** A decision about a component's number, for metrics. */
export interface ScaleState {
  /** The ChatCluster, as `namespace/name`. */
  readonly key: string;
  readonly component: "connectors" | "routers";
  readonly told: ScaledTold;
  readonly ready: number;
}

/**
 * The decisions that this process wrote to each status last. A watch reports them later, and a pass in
 * between must not decide on what was before. There is one writer, so what it wrote is what counts.
 */
export class DecisionMemory {
  readonly #decided = new Map<string, Decided>();

  /** The ChatCluster with the decisions that count. */
  over<T extends ChatCluster>(cluster: T): T {
    const own = this.#decided.get(keyOf(cluster));
    if (own === undefined || own.uid !== cluster.metadata.uid || cluster.status === undefined) return cluster;
    const { autoscaler: _, rebalanced: __, ...status } = cluster.status;
    return { ...cluster, status: { ...status, ...decisionsIn(own) } };
  }

  /** Called once a status is written. */
  wrote(cluster: ChatCluster, status: ChatClusterStatus): void {
    this.#decided.set(keyOf(cluster), {
      uid: cluster.metadata.uid,
      ready: { connectors: status.connectors?.ready ?? 0, routers: status.routers?.ready ?? 0 },
      ...decisionsIn(status),
    });
  }

  forget(key: string): void {
    this.#decided.delete(key);
  }

  states(): readonly ScaleState[] {
    return [...this.#decided].flatMap(([key, { autoscaler, ready }]) =>
      (["connectors", "routers"] as const).flatMap((component) => {
        const told = autoscaler?.[component];
        return told === undefined ? [] : [{ key, component, told, ready: ready[component] }];
      }),
    );
  }
}

const decisionsIn = ({
  autoscaler,
  rebalanced,
}: Pick<ChatClusterStatus, "autoscaler" | "rebalanced">): Pick<
  ChatClusterStatus,
  "autoscaler" | "rebalanced"
> => ({
  ...(autoscaler === undefined ? {} : { autoscaler }),
  ...(rebalanced === undefined ? {} : { rebalanced }),
});
