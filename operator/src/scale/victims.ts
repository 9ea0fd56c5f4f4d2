import type { ConnectorPod } from "./fleet.ts";

/** How many of the pods each node has. A pod that is not scheduled is on none. */
function perNode(pods: readonly ConnectorPod[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { node } of pods) if (node !== undefined) counts.set(node, (counts.get(node) ?? 0) + 1);
  return counts;
}

const skewOf = (counts: ReadonlyMap<string, number>): number =>
  counts.size === 0 ? 0 : Math.max(...counts.values()) - Math.min(...counts.values());

/** Skew of the pod template's own topology spread constraint. */
const SKEW_MAX = 1;

/** A pod that does not say how many devices it has may have many. */
const devicesOf = ({ connections, isRunning }: ConnectorPod): number =>
  connections ?? (isRunning ? Number.MAX_SAFE_INTEGER : 0);

/** Lower goes first. Not ready comes before everything else, since it serves nobody new. */
const rankOf = (pod: ConnectorPod, current: string): readonly number[] => [
  pod.isReady ? 1 : 0,
  pod.isRunning ? 1 : 0,
  pod.revision === current ? 1 : 0,
];

function compare(a: ConnectorPod, b: ConnectorPod, current: string): number {
  const [ours, theirs] = [rankOf(a, current), rankOf(b, current)];
  for (const [at, rank] of ours.entries()) {
    const by = rank - (theirs[at] ?? 0);
    if (by !== 0) return by;
  }
  const byDevices = devicesOf(a) - devicesOf(b);
  if (byDevices !== 0) return byDevices;
  return a.name < b.name ? -1 : 1; // The same answer at every look.
}

/**
 * The `count` pods that go, of those that may: pods that are not ready, then pods of an old revision, then
 * those with the fewest devices. Among ready pods, one whose going would make the spread over nodes uneven is
 * passed over: all of one node's would be lost with that node.
 */
export function victimsOf(
  pods: readonly ConnectorPod[],
  count: number,
  current: string,
): readonly ConnectorPod[] {
  const left = [...pods];
  const going: ConnectorPod[] = [];
  // A node whose last pod went still counts as one without any.
  const counts = perNode(pods);
  while (going.length < count && left.length > 0) {
    const allowed = Math.max(SKEW_MAX, skewOf(counts));
    const sorted = left.toSorted((a, b) => compare(a, b, current));
    const keepsSpread = ({ node }: ConnectorPod): boolean =>
      node === undefined || skewOf(new Map(counts).set(node, (counts.get(node) ?? 0) - 1)) <= allowed;
    const [first] = sorted;
    const isSame = (pod: ConnectorPod): boolean =>
      first !== undefined && rankOf(pod, current).join() === rankOf(first, current).join();
    const chosen = sorted.filter(isSame).find((pod) => !pod.isReady || keepsSpread(pod)) ?? first;
    if (chosen === undefined) break;
    going.push(chosen);
    left.splice(left.indexOf(chosen), 1);
    if (chosen.node !== undefined) counts.set(chosen.node, (counts.get(chosen.node) ?? 0) - 1);
  }
  return going;
}
