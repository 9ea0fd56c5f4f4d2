import type { FaultName } from "@jichat/protocol/faults.ts";
import { readFaults } from "@jichat/protocol/faults.ts";
import type { Part } from "@jichat/testkit/local/part.ts";

/**
 * The value of the metric `name` of a part, optionally of the series with `label` (`code="4408"`). NaN if the
 * part does not report it.
 */
export async function metricOf(part: Part | undefined, name: string, label = ""): Promise<number> {
  const { host = "127.0.0.1", adminPort = 0 } = part?.spec ?? {};
  const text = await (await fetch(`http://${host}:${adminPort}/metrics`)).text();
  const line = new RegExp(`^${name}(?:_total)?(?:\\{[^}]*${label}[^}]*\\})? (\\d+)`, "m");
  return Number(line.exec(text)?.[1] ?? Number.NaN);
}

/** The partitions for which a part reports this fault. */
export async function stoppedBy(part: Part | undefined, name: FaultName): Promise<readonly number[]> {
  const { host = "127.0.0.1", adminPort = 0 } = part?.spec ?? {};
  const text = await (await fetch(`http://${host}:${adminPort}/faults`)).text();
  return readFaults(text).flatMap(({ fault, partitions }) => (fault === name ? partitions : []));
}
