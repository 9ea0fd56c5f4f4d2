import { until } from "@jichat/testkit/until.ts";
import type { Pod } from "./chat.ts";
import { kubectl } from "./kubectl.ts";
import { NAMESPACE } from "./namespaces.ts";

const REFUSED = "disruption budget";
const RETRY_MS = 1_000;

/** Asks for an eviction, as `kubectl drain` does. False if a PodDisruptionBudget refuses it for now. */
export async function askToEvict({ metadata: { name } }: Pod): Promise<boolean> {
  const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace: NAMESPACE } };
  const path = `/api/v1/namespaces/${NAMESPACE}/pods/${name}/eviction`;
  try {
    await kubectl(["create", "--raw", path, "-f", "-"], { input: JSON.stringify(eviction) });
    return true;
  } catch (error) {
    if (String(error).includes(REFUSED)) return false;
    throw error;
  }
}

/** Evicts a pod as soon as its PodDisruptionBudget allows it. */
export async function evict(pod: Pod, withinMs: number): Promise<void> {
  await until(`pod ${pod.metadata.name} may be evicted`, withinMs, async () => askToEvict(pod), RETRY_MS);
}

/** Empties a node as an administrator does before its maintenance. */
export async function drainNode(node: string, withinMs: number): Promise<void> {
  const args = ["drain", node, "--ignore-daemonsets", "--delete-emptydir-data"];
  await kubectl([...args, `--timeout=${Math.ceil(withinMs / 1_000)}s`], { timeoutMs: withinMs + 10_000 });
}

export async function uncordon(node: string): Promise<void> {
  await kubectl(["uncordon", node]);
}
