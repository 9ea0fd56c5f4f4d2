import type { DrainOrder, ShedOrder } from "@jichat/protocol/drain.ts";
import { adminToken } from "@jichat/runtime/admin.ts";
import { askAdmin, isOk } from "../admin-port.ts";
import type { Observed } from "../observed.ts";
import type { OriginOf, PodMetrics } from "../pod-metrics.ts";
import { askMetrics, originOfPod } from "../pod-metrics.ts";
import type { PodObject } from "../pod-object.ts";

/** The admin ports of connectors. */
export interface ConnectorAdmin {
  /** What each running connector, router and storage reports: the one look of a pass. */
  readonly look: (observed: Observed) => Promise<PodMetrics>;
  /** Tells its devices to go. `keys` are the cluster's, the present one first. */
  readonly drain: (pod: PodObject, order: Required<DrainOrder>, keys: readonly string[]) => Promise<void>;
  /** Tells it how many of its devices to send to others; 0 ends that. */
  readonly shed: (pod: PodObject, order: ShedOrder, keys: readonly string[]) => Promise<void>;
  /** It takes devices again. */
  readonly undrain: (pod: PodObject, keys: readonly string[]) => Promise<void>;
}

interface Write {
  readonly method: "POST" | "DELETE";
  readonly path: "/drain" | "/shed";
  readonly body?: string;
}

/** Writes to `/drain` or `/shed`. A pod may not know the newest of the cluster's keys yet. Throws if it does not obey. */
async function write(
  origin: string | undefined,
  { method, path, body }: Write,
  keys: readonly string[],
): Promise<void> {
  if (origin === undefined) throw new Error("it has no address");
  let status = 0;
  for (const key of keys) {
    const answer = await askAdmin(`${origin}${path}`, {
      method,
      headers: { authorization: `Bearer ${adminToken(key)}` },
      ...(body === undefined ? {} : { body }),
    });
    if (isOk(answer)) return;
    ({ status } = answer);
    if (status !== 401) throw new Error(`${status} ${answer.text.trim()}`);
  }
  throw new Error(`${status}: it knows none of the cluster's keys`);
}

export function connectorAdmin(originFor: OriginOf = originOfPod): ConnectorAdmin {
  return {
    look: async (observed) => askMetrics(observed, originFor),
    drain: async (pod, order, keys) =>
      write(originFor(pod), { method: "POST", path: "/drain", body: JSON.stringify(order) }, keys),
    shed: async (pod, order, keys) =>
      write(originFor(pod), { method: "POST", path: "/shed", body: JSON.stringify(order) }, keys),
    undrain: async (pod, keys) => write(originFor(pod), { method: "DELETE", path: "/drain" }, keys),
  };
}
