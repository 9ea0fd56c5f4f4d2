import type { Msg, NatsConnection } from "@nats-io/transport-node";
import type { Names } from "@jichat/protocol/bus/names.ts";
import { decodeReplacement } from "@jichat/protocol/bus/replacement.ts";
import { CLOSE } from "@jichat/protocol/errors.ts";
import type { Telemetry } from "@jichat/runtime/telemetry.ts";
import type { Config } from "./config.ts";
import type { Hub } from "./hub.ts";

interface ReplacementParts {
  readonly nats: Pick<NatsConnection, "subscribe">;
  readonly names: Pick<Names, "replace">;
  readonly config: Pick<Config, "instance">;
  readonly hub: Pick<Hub, "find">;
  readonly telemetry: Pick<Telemetry, "log">;
}

/** Closes sessions whose device has connected to another connector. Returns a function that stops it. */
export function serveReplacements({ nats, names, config, hub, telemetry }: ReplacementParts): () => void {
  const subscription = nats.subscribe(names.replace(config.instance), {
    callback: (error: Error | null, message: Msg) => {
      if (error !== null) {
        telemetry.log.error({ err: error }, "the subscription to replacements failed");
        return;
      }
      try {
        const { user, device, session } = decodeReplacement(message.data);
        const held = hub.find(user, device);
        if (held?.id === session) held.close(CLOSE.replaced, "this device connected again elsewhere");
      } catch (thrown) {
        telemetry.log.error({ err: thrown }, "a replacement could not be read");
      }
    },
  });
  return () => {
    subscription.unsubscribe();
  };
}
