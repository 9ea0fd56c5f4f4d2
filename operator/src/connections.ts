import type { V1PodStatus } from "@kubernetes/client-node";
import { fetch } from "undici";
import { PORTS } from "./desired/names.ts";
import type { KubeObject } from "./kube/object.ts";
import type { Observed } from "./observed.ts";

interface PodObject extends KubeObject {
  readonly status?: V1PodStatus;
}

const TIMEOUT_MS = 1_500;
/** Pods asked at once: each answers in milliseconds, or not at all. */
const AT_ONCE = 50;

/** Open sockets of one connector, from its metrics; undefined where it does not answer. */
export async function socketsOf(ip: string): Promise<number | undefined> {
  try {
    const response = await fetch(`http://${ip}:${PORTS.admin}/metrics`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const found = /^jichat_connector_sockets(?:\{[^}]*\})? (\d+)/m.exec(await response.text());
    return found === null ? undefined : Number(found[1]);
  } catch {
    return undefined; // It starts, or it goes: the next pass asks those that are there then.
  }
}

/** Open sockets of all connector pods; undefined where there are pods and none answers. */
export async function countConnections(observed: Observed): Promise<number | undefined> {
  const ips = observed
    .ofKind<PodObject>("Pod", "connector")
    .flatMap(({ status }) =>
      status?.phase === "Running" && status.podIP !== undefined ? [status.podIP] : [],
    );
  if (ips.length === 0) return 0;
  const counts: number[] = [];
  for (let at = 0; at < ips.length; at += AT_ONCE) {
    const some = await Promise.all(ips.slice(at, at + AT_ONCE).map(socketsOf));
    counts.push(...some.filter((count) => count !== undefined));
  }
  return counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + count, 0);
}
