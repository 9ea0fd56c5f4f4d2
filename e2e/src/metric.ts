import type { FaultName } from "@jichat/protocol/faults.ts";
import { readFaults } from "@jichat/protocol/faults.ts";
import type { Part } from "@jichat/testkit/local/part.ts";
import { until } from "@jichat/testkit/until.ts";

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

/** A storage knows after 2 s that it receives nothing. Until then it tells the lag that it knows. */
const LEVEL_FOR_MS = 2_500;

/**
 * Resolves when everything is in ClickHouse: when a storage has had no lag for longer than it takes it to
 * know that it receives nothing.
 */
export async function untilLevel(storage: Part, patienceMs: number): Promise<void> {
  let since: number | undefined;
  await until("everything is in ClickHouse", patienceMs, async () => {
    const isLevel = (await metricOf(storage, "jichat_storage_lag_batches")) === 0;
    since = isLevel ? (since ?? performance.now()) : undefined;
    return since !== undefined && performance.now() - since > LEVEL_FOR_MS ? true : undefined;
  });
}

/** The partitions for which a part reports this fault. */
export async function stoppedBy(part: Part | undefined, name: FaultName): Promise<readonly number[]> {
  const { host = "127.0.0.1", adminPort = 0 } = part?.spec ?? {};
  const text = await (await fetch(`http://${host}:${adminPort}/faults`)).text();
  return readFaults(text).flatMap(({ fault, partitions }) => (fault === name ? partitions : []));
}
