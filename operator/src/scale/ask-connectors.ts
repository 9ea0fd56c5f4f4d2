import { fetch } from "undici";
import type { DrainOrder } from "@jichat/protocol/drain.ts";
import { readDrainReport } from "@jichat/protocol/drain.ts";
import { adminToken } from "@jichat/runtime/admin.ts";
import { ADMIN_TIMEOUT_MS, askAll, gaugeIn, said } from "../admin-port.ts";
import { PORTS } from "../desired/names.ts";
import { originOf } from "../desired/urls.ts";
import type { Observed } from "../observed.ts";
import type { PodObject } from "../pod-object.ts";
import type { ConnectorTold } from "./read-fleet.ts";

/** The admin ports of connectors. */
export interface ConnectorAdmin {
  /** What each running connector reports, by the name of its pod. One that does not answer is missing. */
  readonly look: (observed: Observed) => Promise<ReadonlyMap<string, ConnectorTold>>;
  /** Tells its devices to go. `keys` are the cluster's, the present one first. */
  readonly drain: (pod: PodObject, order: Required<DrainOrder>, keys: readonly string[]) => Promise<void>;
  /** It takes devices again. */
  readonly undrain: (pod: PodObject, keys: readonly string[]) => Promise<void>;
}

/** Where a pod's admin port is; undefined before it has an address. */
type OriginOf = (pod: PodObject) => string | undefined;

const originOfPod: OriginOf = ({ status }) =>
  status?.phase === "Running" && status.podIP !== undefined
    ? originOf("http", status.podIP, PORTS.admin)
    : undefined;

async function toldBy(origin: string): Promise<ConnectorTold> {
  const report = await said(`${origin}/drain`);
  if (report !== undefined) {
    try {
      const { state, connections } = readDrainReport(report);
      return { drain: state, connections };
    } catch {
      // Of another version: the gauge has what is needed most.
    }
  }
  // A version that cannot tell how far its drain is still has the gauge.
  const connections = gaugeIn(await said(`${origin}/metrics`), "jichat_connector_sockets");
  return connections === undefined ? {} : { connections };
}

/** Writes to `/drain`. A pod may not know the newest of the cluster's keys yet. Throws if it does not obey. */
async function write(
  origin: string | undefined,
  { method, body }: { readonly method: "POST" | "DELETE"; readonly body?: string },
  keys: readonly string[],
): Promise<void> {
  if (origin === undefined) throw new Error("it has no address");
  let status = 0;
  for (const key of keys) {
    const response = await fetch(`${origin}/drain`, {
      method,
      headers: { authorization: `Bearer ${adminToken(key)}` },
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.timeout(ADMIN_TIMEOUT_MS),
    });
    const text = await response.text();
    if (response.ok) return;
    ({ status } = response);
    if (status !== 401) throw new Error(`${status} ${text.trim()}`);
  }
  throw new Error(`${status}: it knows none of the cluster's keys`);
}

export function connectorAdmin(originFor: OriginOf = originOfPod): ConnectorAdmin {
  return {
    async look(observed) {
      const pods = observed.ofKind<PodObject>("Pod", "connector");
      const told = new Map<string, ConnectorTold>();
      await askAll(pods, async (pod) => {
        const origin = originFor(pod);
        if (origin !== undefined) told.set(pod.metadata.name, await toldBy(origin));
      });
      return told;
    },
    drain: async (pod, order, keys) =>
      write(originFor(pod), { method: "POST", body: JSON.stringify(order) }, keys),
    undrain: async (pod, keys) => write(originFor(pod), { method: "DELETE" }, keys),
  };
}
