import type { V1PodStatus } from "@kubernetes/client-node";
import { fetch } from "undici";
import type { Component } from "./desired/names.ts";
import { PORTS } from "./desired/names.ts";
import { originOf } from "./desired/urls.ts";
import type { KubeObject } from "./kube/object.ts";
import type { Observed } from "./observed.ts";

interface PodObject extends KubeObject {
  readonly status?: V1PodStatus;
}

const TIMEOUT_MS = 1_500;
/** Pods asked at once: each answers in milliseconds, or not at all. */
const AT_ONCE = 50;

/** What the pods themselves say; a number is undefined where there are pods and none answers. */
export interface Live {
  /** Open sockets of all connectors. */
  readonly connections: number | undefined;
  /** Partitions that routers serve. */
  readonly partitionsServed: number | undefined;
}

/** A gauge of one pod, from its metrics; undefined where it does not answer. */
export async function gaugeOf(ip: string, gauge: string, port = PORTS.admin): Promise<number | undefined> {
  try {
    const response = await fetch(`${originOf("http", ip, port)}/metrics`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const found = new RegExp(`^${gauge}(?:\\{[^}]*\\})? (\\d+)`, "m").exec(await response.text());
    return found === null ? undefined : Number(found[1]);
  } catch {
    return undefined; // It starts, or it goes: the next pass asks those that are there then.
  }
}

/** The sum of a gauge over a component's pods. */
async function sumOf(observed: Observed, component: Component, gauge: string): Promise<number | undefined> {
  const ips = observed
    .ofKind<PodObject>("Pod", component)
    .flatMap(({ status }) =>
      status?.phase === "Running" && status.podIP !== undefined ? [status.podIP] : [],
    );
  if (ips.length === 0) return 0;
  const counts: number[] = [];
  for (let at = 0; at < ips.length; at += AT_ONCE) {
    const some = await Promise.all(ips.slice(at, at + AT_ONCE).map(async (ip) => gaugeOf(ip, gauge)));
    counts.push(...some.filter((count) => count !== undefined));
  }
  return counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + count, 0);
}

/** Asks every pod of a ChatCluster that runs. */
export async function askPods(observed: Observed): Promise<Live> {
  const [connections, partitionsServed] = await Promise.all([
    sumOf(observed, "connector", "jichat_connector_sockets"),
    sumOf(observed, "router", "jichat_router_partitions"),
  ]);
  return { connections, partitionsServed };
}
