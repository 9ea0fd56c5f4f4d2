import type { PodLook } from "./recording.ts";

/** The sum of a metric over its series that have `label`; undefined if the text has no such metric. */
function sumIn(metrics: string, name: string, label = ""): number | undefined {
  const lines = [...metrics.matchAll(new RegExp(`^${name}(?:_total)?(\\{[^}]*\\})? (\\d+)`, "gm"))];
  if (lines.length === 0) return undefined;
  return lines
    .filter(([, labels = ""]) => labels.includes(label))
    .reduce((sum, [, , value]) => sum + Number(value), 0);
}

/** What a connector's metrics say; undefined if it does not say how many devices it has. */
export function lookIn(metrics: string): PodLook | undefined {
  const connections = sumIn(metrics, "jichat_connector_sockets");
  // A counter appears with its first count.
  const told = sumIn(metrics, "jichat_connector_moves", 'outcome="told"') ?? 0;
  return connections === undefined ? undefined : { connections, told };
}
