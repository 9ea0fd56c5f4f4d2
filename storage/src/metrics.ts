import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { Logger } from "pino";
import type { Quarantined } from "./careful-insert.ts";

export interface StorageMetrics {
  readonly countQuery: (kind: string, ms: number) => void;
  readonly countPage: (from: "memory" | "clickhouse") => void;
  readonly countInsert: (records: number, ms: number) => void;
  readonly countFailure: () => void;
  readonly countQuarantined: () => void;
}

/** Counters and histograms of a storage. docs/metrics.md lists the same names. */
export function storageMetrics(telemetry: Pick<Telemetry, "counter" | "histogram">): StorageMetrics {
  const query = telemetry.histogram("jichat_storage_query", "time to answer a question, by kind");
  const insert = telemetry.histogram("jichat_storage_insert", "time to make a run durable in ClickHouse");
  const records = telemetry.counter("jichat_storage_records", "records made durable in ClickHouse");
  const pages = telemetry.counter("jichat_storage_pages", "pages of history, by where they came from");
  const failures = telemetry.counter(
    "jichat_storage_insert_failures",
    "inserts that ClickHouse refused; each is tried again",
  );
  const quarantined = telemetry.counter(
    "jichat_storage_quarantined_rows",
    "rows that ClickHouse cannot hold as the log has them",
  );
  return {
    countPage: (from) => {
      pages.add(1, { from });
    },
    countQuery: (kind, ms) => {
      query.record(ms / 1_000, { kind });
    },
    countInsert: (count, ms) => {
      records.add(count);
      insert.record(ms / 1_000);
    },
    countQuarantined: () => {
      quarantined.add(1);
    },
    countFailure: () => {
      failures.add(1);
    },
  };
}

/** Counts and logs a replaced row. The log line names its place, never its content. */
export const quarantineTeller =
  (log: Logger, metrics: Pick<StorageMetrics, "countQuarantined">) =>
  ({ table, partition, position, conversation, seq, reason }: Quarantined): void => {
    metrics.countQuarantined();
    log.error(
      { table, partition, position, conversation, seq, reason },
      "ClickHouse cannot store a row as the log has it: a replacement is stored, and the original is in `quarantine`",
    );
  };
