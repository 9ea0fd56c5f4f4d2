import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { ArrivalGate } from "./arrival-gate.ts";

export function arrivalGauges(
  telemetry: Pick<Telemetry, "gauge">,
  arrivals: Pick<ArrivalGate, "limit" | "waiting">,
): void {
  telemetry.gauge(
    "jichat_connector_arrivals_waiting",
    "devices that wait for their turn to be greeted",
    () => arrivals.waiting,
  );
  telemetry.gauge(
    "jichat_connector_arrivals_limit",
    "devices that may be greeted at once, as backends bear it",
    () => arrivals.limit,
  );
}
