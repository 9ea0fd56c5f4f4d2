import type { Histogram } from "@opentelemetry/api";
import type { PushKind } from "@jichat/protocol/bus/push-registration.ts";
import { PUSH_KINDS } from "@jichat/protocol/bus/push-registration.ts";
import type { Counter, Telemetry } from "@jichat/runtime/telemetry.ts";
import type { SkipReason } from "./decide.ts";

/** What a provider answered, or that it was not asked since its circuit is open. */
export type SentOutcome = "sent" | "gone" | "refused" | "retry" | "down";

export interface PushMetrics {
  readonly countEntries: (is: "message" | "read" | "report" | "unreadable") => void;
  readonly countAttempt: (provider: PushKind, outcome: SentOutcome) => void;
  readonly countSkipped: (reason: SkipReason, by?: number) => void;
  /** Seconds from the message's `ts` to the provider's answer. */
  readonly recordDelay: (provider: PushKind, ms: number) => void;
  readonly countFolded: () => void;
  readonly countWithdrawn: (provider: PushKind) => void;
  readonly countDeferred: (provider: PushKind) => void;
  readonly countDead: (provider: PushKind) => void;
}

/** Counters and histograms of a push worker. docs/metrics.md lists the same names. */
export function pushMetrics(telemetry: Pick<Telemetry, "counter" | "histogram">): PushMetrics {
  const entries = telemetry.counter(
    "jichat_push_entries",
    "entries taken from the push queue, by what they are",
  );
  const attempts = telemetry.counter("jichat_push_sent", "attempts, by provider and by what it answered");
  const skipped = telemetry.counter("jichat_push_skipped", "pushes that were not sent, by reason");
  const delay = telemetry.histogram(
    "jichat_push_delay",
    "time from a message to the provider's answer that took it, by provider",
  );
  const folded = telemetry.counter(
    "jichat_push_folded",
    "messages that a later notification of their conversation stands for",
  );
  const withdrawn = telemetry.counter(
    "jichat_push_withdrawn",
    "notifications withdrawn, since they were read",
  );
  const deferred = telemetry.counter("jichat_push_deferred", "notifications kept until their provider is up");
  const dead = telemetry.counter("jichat_push_dead", "notifications that a provider refused for good");
  begin([attempts, "sent"], [deferred], [dead], [withdrawn]);
  return metricsOver({ entries, attempts, skipped, delay, folded, withdrawn, deferred, dead });
}

/** Counts 0 for each provider, so that a rate sees the first one. */
function begin(...counters: readonly (readonly [Counter, SentOutcome?])[]): void {
  for (const [counter, outcome] of counters)
    for (const provider of PUSH_KINDS)
      counter.add(0, outcome === undefined ? { provider } : { provider, outcome });
}

interface Instruments {
  readonly entries: Counter;
  readonly attempts: Counter;
  readonly skipped: Counter;
  readonly delay: Histogram;
  readonly folded: Counter;
  readonly withdrawn: Counter;
  readonly deferred: Counter;
  readonly dead: Counter;
}

function metricsOver(to: Instruments): PushMetrics {
  return {
    countEntries: (is) => {
      to.entries.add(1, { is });
    },
    countAttempt: (provider, outcome) => {
      to.attempts.add(1, { provider, outcome });
    },
    countSkipped: (reason, by = 1) => {
      to.skipped.add(by, { reason });
    },
    recordDelay: (provider, ms) => {
      to.delay.record(Math.max(0, ms) / 1_000, { provider });
    },
    countFolded: () => {
      to.folded.add(1);
    },
    countWithdrawn: (provider) => {
      to.withdrawn.add(1, { provider });
    },
    countDeferred: (provider) => {
      to.deferred.add(1, { provider });
    },
    countDead: (provider) => {
      to.dead.add(1, { provider });
    },
  };
}

/** What gauges read. */
export interface PushState {
  readonly waiting: () => number;
  readonly inFlight: () => number;
  readonly held: () => number;
  readonly later: () => number;
  readonly openCircuits: () => ReadonlyMap<PushKind, number>;
  readonly partitions: () => number;
}

/** Gauges of a push worker. docs/metrics.md lists the same names. */
export function pushGauges(telemetry: Pick<Telemetry, "gauge">, state: PushState): void {
  telemetry.gauge("jichat_push_partitions", "partitions whose queue is read", state.partitions);
  telemetry.gauge(
    "jichat_push_queued",
    "messages of the push queue that are not done, over the partitions read here; NaN while it is unknown",
    state.waiting,
  );
  telemetry.gauge("jichat_push_in_flight", "pushes on their way to providers", state.inFlight);
  telemetry.gauge("jichat_push_held_bytes", "bytes of the push queue held in memory", state.held);
  telemetry.gauge(
    "jichat_push_later",
    "notifications of the whole cluster that wait for their provider; NaN while it is unknown",
    state.later,
  );
  telemetry.gauge("jichat_push_circuits_open", "circuits that are not closed, by provider", () =>
    PUSH_KINDS.map((provider) => ({
      value: state.openCircuits().get(provider) ?? 0,
      attributes: { provider },
    })),
  );
}
