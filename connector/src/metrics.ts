import type { ErrorCode } from "@jichat/protocol/errors.ts";
import type { Count, Telemetry } from "@jichat/runtime/telemetry.ts";
import type { Hub } from "./hub.ts";

export interface ConnectorMetrics {
  readonly countFrame: (t: string) => void;
  readonly countError: (code: ErrorCode) => void;
  readonly countClose: (code: number) => void;
  readonly countCut: () => void;
  readonly countRetry: () => void;
  readonly countGap: (by: number) => void;
  readonly acked: (ms: number) => void;
  readonly delivered: (frames: number, ms: number | undefined) => void;
  readonly noticesDropped: (by: number) => void;
  /**
   * A device that this connector sends elsewhere was told so, has gone, or was closed since it had not gone.
   */
  readonly countMove: (outcome: "told" | "gone" | "forced") => void;
  readonly countWelcome: (kind: "resume" | "login") => void;
  /** A device was told to come later, since too many came at once. */
  readonly countLater: (kind: "resume" | "login") => void;
  /** Frames from devices, without pings, and frames delivered to them, since the start. */
  readonly messages: () => number;
  readonly countReports: (outcome: "queued" | "dropped" | "refused", by: number) => void;
}

const CLOSES = new Set([1000, 1001, 1005, 1006, 1012, 4400, 4401, 4402, 4403, 4408, 4409, 4429]);

/** A connector's metrics. docs/metrics.md lists the same names. */
export function connectorMetrics(telemetry: Telemetry, hub: Hub, waiting: () => number): ConnectorMetrics {
  const errors = telemetry.counter("jichat_connector_errors", "error frames written, by code");
  const closes = telemetry.counter("jichat_connector_closes", "sockets closed, by code");
  const cut = telemetry.counter(
    "jichat_connector_connections_cut",
    "connections closed on arrival, since there were too many",
  );
  const retries = telemetry.counter("jichat_connector_batch_retries", "batches of commands sent again");
  const gaps = telemetry.counter(
    "jichat_connector_gaps",
    "sessions told to sync after this connector was out of touch",
  );
  const dropped = telemetry.counter(
    "jichat_connector_notices_dropped",
    "notices, such as receipts, that were not written to a socket with much unread",
  );
  const ack = telemetry.histogram("jichat_connector_ack", "time from a write's frame to its ack");
  gauges(telemetry, hub, waiting);
  return {
    ...frameCounters(telemetry),
    countError: (code) => {
      errors.add(1, { code });
    },
    countClose: (code) => {
      closes.add(1, { code: CLOSES.has(code) ? code : 0 });
    },
    countCut: () => {
      cut.add(1);
    },
    countRetry: () => {
      retries.add(1);
    },
    countGap: (by) => {
      gaps.add(by);
    },
    acked: (ms) => {
      ack.record(ms / 1_000);
    },
    noticesDropped: (by) => {
      dropped.add(by);
    },
    ...moveCounters(telemetry),
    countReports: reportsCounter(telemetry),
  };
}

function frameCounters(
  telemetry: Telemetry,
): Pick<ConnectorMetrics, "countFrame" | "delivered" | "messages"> {
  const frames = telemetry.counter("jichat_connector_frames", "frames received, by type");
  const written = telemetry.counter("jichat_connector_delivered", "frames delivered to sockets");
  const delivery = telemetry.histogram(
    "jichat_connector_delivery",
    "time from an event's ts to its delivery here",
  );
  const framesOf = new Map<string, Count>();
  let messages = 0;
  return {
    messages: () => messages,
    countFrame: (t) => {
      if (t !== "ping") messages += 1;
      let count = framesOf.get(t);
      if (count === undefined) framesOf.set(t, (count = frames.count({ t })));
      count.value += 1;
    },
    delivered: (count, ms) => {
      written.add(count);
      messages += count;
      if (ms !== undefined) delivery.record(Math.max(0, ms) / 1_000);
    },
  };
}

function gauges(telemetry: Telemetry, hub: Hub, waiting: () => number): void {
  telemetry.gauge("jichat_connector_sockets", "open sockets", () => hub.size);
  telemetry.gauge("jichat_connector_users", "users with a live session", () => hub.users);
  telemetry.gauge("jichat_connector_unanswered", "commands not answered yet", waiting);
}

function moveCounters(
  telemetry: Telemetry,
): Pick<ConnectorMetrics, "countLater" | "countMove" | "countWelcome"> {
  const welcomes = telemetry.counter("jichat_connector_welcomes", "devices that were welcomed, by kind");
  const later = telemetry.counter(
    "jichat_connector_arrivals_refused",
    "devices that were told to come later, since too many came at once, by kind",
  );
  const moves = telemetry.counter(
    "jichat_connector_moves",
    "devices that a drain or a shed sends to other connectors, by outcome",
  );
  return {
    countWelcome: (kind) => {
      welcomes.add(1, { kind });
    },
    countLater: (kind) => {
      later.add(1, { kind });
    },
    countMove: (outcome) => {
      moves.add(1, { outcome });
    },
  };
}

function reportsCounter(telemetry: Telemetry): ConnectorMetrics["countReports"] {
  const reports = telemetry.counter(
    "jichat_connector_reports",
    "reports of half-open connections for the push queue, by outcome",
  );
  return (outcome, by) => {
    reports.add(by, { outcome });
  };
}
