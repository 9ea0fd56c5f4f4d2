import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { Fault } from "@jichat/protocol/faults.ts";
import { countOf } from "./faults.ts";
import type { Owner } from "./owner.ts";
import type { PushCount } from "./push-queue.ts";

export type EffectCount = "delivered" | "gap" | "folded" | "shed" | "retried" | "unpushed" | "refused";

export interface RouterMetrics {
  readonly countEffect: (what: EffectCount, by: number) => void;
  readonly countPush: (outcome: PushCount, by: number) => void;
  readonly countBatch: (records: number, requests: number, appendMs: number) => void;
}

/** Figures of the logs, as their leaders report them. */
export interface LogCounts {
  readonly pushDropped: () => number;
  readonly pushWaiting: () => number;
  readonly pushHeld: () => number;
  readonly copiesBehind: () => number;
  readonly faults: () => readonly Fault[];
}

/** The metrics of a router. docs/metrics.md lists the same names. */
export function routerMetrics(
  telemetry: Telemetry,
  owners: ReadonlyMap<number, Owner>,
  logs: LogCounts,
): RouterMetrics {
  const records = telemetry.counter("jichat_router_records", "records appended");
  const batches = telemetry.counter("jichat_router_batches", "appends acknowledged");
  const requests = telemetry.counter("jichat_router_requests", "batches of commands answered");
  const append = telemetry.histogram(
    "jichat_router_append",
    "time from composing a batch to its acknowledgement",
  );
  const effects = telemetry.counter("jichat_router_effects", "effects, by outcome");
  const push = telemetry.counter("jichat_router_push", "entries for the push queue, by outcome");
  gaugesOf(telemetry, owners, logs);
  return {
    countEffect: (outcome, by) => {
      effects.add(by, { outcome });
    },
    countPush: (outcome, by) => {
      if (by > 0) push.add(by, { outcome });
    },
    countBatch: (count, answered, appendMs) => {
      records.add(count);
      batches.add(1);
      requests.add(answered);
      append.record(appendMs / 1_000);
    },
  };
}

function gaugesOf(telemetry: Telemetry, owners: ReadonlyMap<number, Owner>, logs: LogCounts): void {
  const { copiesBehind, faults } = logs;
  const sum = (read: (owner: Owner) => number) => () =>
    [...owners.values()].reduce((total, owner) => total + read(owner), 0);
  telemetry.gauge(
    "jichat_router_partitions",
    "partitions served",
    sum((owner) => (owner.unservedSince === undefined ? 1 : 0)),
  );
  telemetry.gauge(
    "jichat_router_inbox",
    "requests waiting for an append",
    sum((owner) => owner.waiting),
  );
  telemetry.gauge(
    "jichat_router_effects_backlog",
    "events whose effects are not done",
    sum((owner) => owner.backlog),
  );
  telemetry.gauge(
    "jichat_router_effects_bytes",
    "bytes that these events and their effects hold, approximately",
    sum((owner) => owner.backlogBytes),
  );
  telemetry.gauge(
    "jichat_router_regressed",
    "partitions stopped by LogRegressed",
    sum((owner) => (owner.state === "regressed" ? 1 : 0)),
  );
  telemetry.gauge(
    "jichat_router_stopped",
    "partitions owned here that have served nothing for ten seconds",
    () => countOf(faults(), "PartitionStopped"),
  );
  telemetry.gauge(
    "jichat_router_full",
    "partitions whose log is over 90 % of its limit, so that messages are refused",
    () => countOf(faults(), "LogFull"),
  );
  telemetry.gauge(
    "jichat_router_copies_behind",
    "copies of logs served here that a nats-server has not kept up with",
    copiesBehind,
  );
  pushGauges(telemetry, logs);
}

function pushGauges(
  telemetry: Telemetry,
  { pushDropped, pushWaiting, pushHeld }: Pick<LogCounts, "pushDropped" | "pushWaiting" | "pushHeld">,
): void {
  telemetry.gauge(
    "jichat_push_dropped",
    "messages that the push queue has dropped before a worker was given them, at most",
    pushDropped,
  );
  telemetry.gauge(
    "jichat_push_waiting",
    "messages of the push queue that no worker was given yet, of partitions served here",
    pushWaiting,
  );
  telemetry.gauge(
    "jichat_router_push_held",
    "entries for the push queue that wait, since their senders are over the limit",
    pushHeld,
  );
}
