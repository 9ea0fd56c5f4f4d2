import type { Msg, NatsConnection } from "@nats-io/transport-node";
import type { Delivery } from "@jichat/protocol/bus/delivery.ts";
import { decodeRound } from "@jichat/protocol/bus/delivery.ts";
import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Deliveries } from "./delivery.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { Config } from "./config.ts";
import type { ConnectorMetrics } from "./metrics.ts";

interface DeliveryParts {
  readonly nats: Pick<NatsConnection, "subscribe">;
  readonly names: Pick<Names, "deliver">;
  readonly config: Pick<Config, "instance">;
  readonly metrics: Pick<ConnectorMetrics, "delivered" | "noticesDropped">;
  readonly telemetry: Pick<Telemetry, "child" | "log">;
  readonly deliveries: Pick<Deliveries, "deliver">;
}

/**
 * Writes deliveries of partition owners to sockets, and then acknowledges them. Returns a function that stops
 * it.
 */
export function serveDeliveries(parts: DeliveryParts): () => void {
  const { nats, names, config, telemetry } = parts;
  const subscription = nats.subscribe(names.deliver(config.instance), {
    callback: (error: Error | null, message: Msg) => {
      if (error !== null) {
        telemetry.log.error({ err: error }, "the subscription to deliveries failed");
        return;
      }
      try {
        for (const delivery of decodeRound(message.data)) deliver(parts, delivery);
        message.respond(); // Not earlier: an unacknowledged delivery is repeated as a gap.
      } catch (thrown) {
        telemetry.log.error({ err: thrown }, "a delivery could not be taken; a gap will stand for it");
      }
    },
  });
  return () => {
    subscription.unsubscribe();
  };
}

function deliver({ metrics, telemetry, deliveries }: DeliveryParts, delivery: Delivery): void {
  const { written, dropped, latest } = deliveries.deliver(delivery);
  const first = latest[0];
  metrics.delivered(written, first === undefined ? undefined : Date.now() - first.ts);
  if (dropped > 0) metrics.noticesDropped(dropped);
  for (const { trace } of latest) if (trace !== undefined) telemetry.child("connector deliver", trace)?.end();
}
