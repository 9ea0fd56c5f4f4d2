import type { Delivery } from "@jichat/protocol/bus/delivery.ts";
import { decodeRound } from "@jichat/protocol/bus/delivery.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Deliveries } from "./delivery.ts";
import type { Bus } from "@jichat/runtime/bus.ts";
import type { ErrorLog, Telemetry } from "@jichat/runtime/telemetry.ts";
import type { Config } from "./config.ts";
import type { ConnectorMetrics } from "./metrics.ts";

interface DeliveryParts {
  readonly bus: Pick<Bus, "subscribe">;
  readonly names: Pick<Names, "deliver">;
  readonly config: Pick<Config, "instance">;
  readonly metrics: Pick<ConnectorMetrics, "delivered" | "noticesDropped">;
  readonly telemetry: Pick<Telemetry, "child"> & { readonly log: ErrorLog };
  readonly deliveries: Pick<Deliveries, "deliver">;
}

/**
 * Writes deliveries of partition owners to sockets, and then acknowledges them. Returns a function that stops
 * it.
 */
export function serveDeliveries(parts: DeliveryParts): () => void {
  const { bus, names, config, telemetry } = parts;
  const subscription = bus.subscribe(names.deliver(config.instance), ({ bytes, reply }) => {
    try {
      for (const delivery of decodeRound(bytes)) deliver(parts, delivery);
      reply(); // Not earlier: an unacknowledged delivery is repeated as a gap.
    } catch (thrown) {
      telemetry.log.error({ err: thrown }, "a delivery could not be decoded: a gap replaces it");
    }
  });
  return () => {
    subscription.stop();
  };
}

function deliver({ metrics, telemetry, deliveries }: DeliveryParts, delivery: Delivery): void {
  const { written, dropped, latest } = deliveries.deliver(delivery);
  const first = latest[0];
  metrics.delivered(written, first === undefined ? undefined : Date.now() - first.ts);
  if (dropped > 0) metrics.noticesDropped(dropped);
  for (const { trace } of latest) if (trace !== undefined) telemetry.child("connector deliver", trace)?.end();
}
