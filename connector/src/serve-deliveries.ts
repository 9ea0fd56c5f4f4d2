import type { Msg } from "@nats-io/transport-node";
import type { Delivery } from "@jichat/protocol/bus/delivery.ts";
import { decodeRound } from "@jichat/protocol/bus/delivery.ts";
import type { Deliveries } from "./delivery.ts";
import type { World } from "./world.ts";

/**
 * Takes what owners deliver to this connector, and acknowledges it once it is on the sockets. Returns how to
 * stop.
 */
export function serveDeliveries(world: World, deliveries: Deliveries): () => void {
  const { nats, names, config, telemetry } = world;
  const subscription = nats.subscribe(names.deliver(config.instance), {
    callback: (error: Error | null, message: Msg) => {
      if (error !== null) {
        telemetry.log.error({ err: error }, "the subscription to deliveries failed");
        return;
      }
      try {
        for (const delivery of decodeRound(message.data)) deliver(world, deliveries, delivery);
        message.respond(); // Not before: what is not acknowledged is replaced by a gap.
      } catch (thrown) {
        telemetry.log.error({ err: thrown }, "a delivery could not be taken; a gap will stand for it");
      }
    },
  });
  return () => {
    subscription.unsubscribe();
  };
}

function deliver({ metrics, telemetry }: World, deliveries: Deliveries, delivery: Delivery): void {
  const { written, dropped, latest } = deliveries.deliver(delivery);
  const first = latest[0];
  metrics.delivered(written, first === undefined ? undefined : Date.now() - first.ts);
  if (dropped > 0) metrics.noticesDropped(dropped);
  for (const { trace } of latest) if (trace !== undefined) telemetry.child("connector deliver", trace)?.end();
}
