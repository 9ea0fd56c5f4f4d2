import type { LoadMeter } from "@jichat/runtime/load.ts";
import { watchProcess } from "@jichat/runtime/load.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { ConnectorMetrics } from "./metrics.ts";

/** What an autoscaler wants to know of a connector, beside its sockets. */
export function loadGauges(
  telemetry: Pick<Telemetry, "gauge">,
  meter: LoadMeter,
  metrics: Pick<ConnectorMetrics, "messages">,
): void {
  telemetry.gauge(
    "jichat_connector_messages_per_second",
    "frames from devices, without pings, and frames delivered to them, on average over 30 s",
    meter.rate(metrics.messages),
  );
  watchProcess(telemetry, meter);
}
