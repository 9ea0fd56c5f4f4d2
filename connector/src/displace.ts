import type { Replacement } from "@jichat/protocol/bus/replacement.ts";
import { CLOSE } from "@jichat/protocol/errors.ts";
import type { Session } from "./session.ts";

/** The sessions of this connector, by device. */
export interface HeldSessions {
  readonly hub: {
    find(user: string, device: string): Pick<Session, "bornAt" | "close" | "id" | "registered"> | undefined;
  };
}

/**
 * Closes the session whose place was taken, if it is here.
 *
 * Redis gives a session's place to an older one if it takes the connector of the younger one for dead: the
 * connector's key had expired, or new data of Redis did not have it yet. The younger one stays then. The
 * keeper registers it again, and that closes the older one.
 */
export function displace(
  hub: HeldSessions["hub"],
  { user, device, session, birth }: Replacement,
  reason: string,
): void {
  const held = hub.find(user, device);
  if (held?.id !== session) return;
  const { bornAt } = held;
  if (birth !== undefined && bornAt !== undefined && bornAt > birth) held.registered = false;
  else held.close(CLOSE.replaced, reason);
}
