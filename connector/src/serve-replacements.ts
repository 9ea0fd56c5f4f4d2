import type { Names } from "@jichat/protocol/bus/names.ts";
import { decodeReplacement } from "@jichat/protocol/bus/replacement.ts";
import { CLOSE } from "@jichat/protocol/errors.ts";
import type { Bus } from "@jichat/runtime/bus.ts";
import type { ErrorLog } from "@jichat/runtime/telemetry.ts";
import type { Config } from "./config.ts";
import type { Session } from "./session.ts";

/** The sessions of this connector, by device. */
export interface HeldSessions {
  readonly hub: {
    find(user: string, device: string): Pick<Session, "id" | "close"> | undefined;
  };
}

interface ReplacementParts extends HeldSessions {
  readonly bus: Pick<Bus, "subscribe">;
  readonly names: Pick<Names, "replace">;
  readonly config: Pick<Config, "instance">;
  readonly telemetry: { readonly log: ErrorLog };
}

/** Closes sessions whose device has connected to another connector. Returns a function that stops it. */
export function serveReplacements({ bus, names, config, hub, telemetry }: ReplacementParts): () => void {
  const subscription = bus.subscribe(names.replace(config.instance), ({ bytes }) => {
    try {
      const { user, device, session } = decodeReplacement(bytes);
      const held = hub.find(user, device);
      if (held?.id === session) held.close(CLOSE.replaced, "this device connected again elsewhere");
    } catch (thrown) {
      telemetry.log.error({ err: thrown }, "a replacement could not be decoded");
    }
  });
  return () => {
    subscription.stop();
  };
}
