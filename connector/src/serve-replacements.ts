import type { Names } from "@jichat/protocol/bus/names.ts";
import { decodeReplacement } from "@jichat/protocol/bus/replacement.ts";
import type { Bus } from "@jichat/runtime/bus.ts";
import type { ErrorLog } from "@jichat/runtime/telemetry.ts";
import type { Config } from "./config.ts";
import type { HeldSessions } from "./displace.ts";
import { displace } from "./displace.ts";

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
      displace(hub, decodeReplacement(bytes), "this device connected again elsewhere");
    } catch (thrown) {
      telemetry.log.error({ err: thrown }, "a replacement could not be decoded");
    }
  });
  return () => {
    subscription.stop();
  };
}
