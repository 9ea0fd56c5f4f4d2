import type { LoadMeter } from "@jichat/runtime/load.ts";
import { watchProcess } from "@jichat/runtime/load.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { Router } from "./router.ts";

/** What an autoscaler wants to know of a router. */
export function loadGauges(
  telemetry: Pick<Telemetry, "gauge">,
  meter: LoadMeter,
  router: Pick<Router, "waiting">,
): void {
  telemetry.gauge(
    "jichat_router_inbox_mean",
    "requests waiting for an append, on average over 30 s",
    meter.mean(() => router.waiting),
  );
  watchProcess(telemetry, meter);
}
