import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { Flusher } from "./flusher.ts";
import type { Ownership } from "./ownership.ts";

/** Gauges of a storage. docs/metrics.md lists the same names. */
export function storageGauges(
  telemetry: Pick<Telemetry, "gauge">,
  ownership: Pick<Ownership, "tails" | "regressed" | "unheard" | "lag">,
  flusher: Pick<Flusher, "unwrittenMs">,
): void {
  telemetry.gauge("jichat_storage_partitions", "partitions consumed", () => ownership.tails.length);
  telemetry.gauge(
    "jichat_storage_regressed",
    "partitions stopped by LogRegressed",
    () => ownership.regressed,
  );
  telemetry.gauge("jichat_storage_tail_bytes", "bytes that are consumed and not yet in ClickHouse", () =>
    ownership.tails.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  telemetry.gauge(
    "jichat_storage_lag_batches",
    "batches in the logs and not yet in ClickHouse; NaN while the number is unknown",
    () => ownership.lag,
  );
  telemetry.gauge(
    "jichat_storage_unheard",
    "partitions leased to this storage whose log it does not receive",
    () => ownership.unheard.length,
  );
  telemetry.gauge(
    "jichat_storage_unwritten_seconds",
    "time for which ClickHouse has not accepted a waiting insert",
    () => flusher.unwrittenMs / 1_000,
  );
  telemetry.gauge("jichat_storage_recent_bytes", "bytes of ends of conversations held in memory", () =>
    ownership.tails.reduce((sum, { recents }) => sum + recents.bytes, 0),
  );
}
