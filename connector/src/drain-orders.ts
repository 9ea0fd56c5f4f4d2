import { readDrainOrder, readShedOrder, reportText } from "@jichat/protocol/drain.ts";
import type { DrainState } from "@jichat/protocol/drain.ts";
import type { AdminActions } from "@jichat/runtime/admin.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { Config } from "./config.ts";
import type { Drain } from "./drain.ts";
import type { Shed } from "./shed.ts";

/** `/drain` and `/shed` of the admin port. */
export const drainOrders = (
  { drainMs }: Pick<Config, "drainMs">,
  drain: Pick<Drain, "cancel" | "order" | "report">,
  shed: Pick<Shed, "order" | "report">,
): Required<Pick<AdminActions, "drain" | "shed">> => ({
  drain: {
    order: (body) => {
      const { deadlineSeconds, perSecond } = readDrainOrder(body);
      drain.order({
        drainMs: deadlineSeconds === undefined ? drainMs : 1_000 * deadlineSeconds,
        perSecond,
      });
    },
    cancel: () => {
      drain.cancel();
    },
    report: () => reportText(drain.report()),
  },
  shed: {
    order: (body) => {
      shed.order(readShedOrder(body));
    },
    report: () => reportText(shed.report()),
  },
});

const NUMBERS: Readonly<Record<DrainState, number>> = { none: 0, waiting: 1, draining: 2, drained: 3 };

export function drainGauges(
  telemetry: Pick<Telemetry, "gauge">,
  drain: Pick<Drain, "state">,
  shed: Pick<Shed, "report">,
): void {
  telemetry.gauge(
    "jichat_connector_drain",
    "0: no drain; 1: waits for a connector that takes the devices; 2: drains; 3: drained",
    () => NUMBERS[drain.state],
  );
  telemetry.gauge(
    "jichat_connector_shed_left",
    "devices that are still to be told to go, since others have room",
    () => shed.report().left,
  );
}
