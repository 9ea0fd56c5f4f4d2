import type { Names } from "@jichat/protocol/bus/names.ts";
import type { Replacement } from "@jichat/protocol/bus/replacement.ts";
import { encodeReplacement } from "@jichat/protocol/bus/replacement.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import { CLOSE } from "@jichat/protocol/errors.ts";
import type { Credential, ReadList, SessionEntry } from "@jichat/presence/presence-texts.ts";
import type { Presence } from "@jichat/presence/presence.ts";
import type { Bus } from "@jichat/runtime/bus.ts";
import type { Config } from "./config.ts";
import type { HeldSessions } from "./displace.ts";
import { displace } from "./displace.ts";
import type { Session } from "./session.ts";

/** What registration reports: failures that the keeper repairs. */
interface RegistrationLog {
  warn(of: object, line: string): void;
  debug(of: object, line: string): void;
}

export interface RegistrationParts extends HeldSessions {
  readonly presence: Pick<Presence, "ready" | "register" | "unregister">;
  readonly config: Pick<Config, "instance">;
  readonly telemetry: { readonly log: RegistrationLog };
  readonly bus: Pick<Bus, "publish">;
  readonly names: Pick<Names, "replace">;
}

/**
 * Registers the session in Redis, and returns the user's list as of then if a `sync` already waits for the
 * welcome. Never rejects: while Redis is unreachable, the session waits for the keeper.
 */
export async function register(
  parts: RegistrationParts,
  session: Session,
  isHello = false,
): Promise<ReadList | undefined> {
  const { presence, config, telemetry } = parts;
  if (!presence.ready || !session.isOpen) return undefined;
  const { user, device, id, bornAt, helloAt } = session;
  try {
    const { birth, displaced, crowdedOut, list } = await presence.register({
      user,
      device,
      connector: config.instance,
      session: id,
      birth: bornAt,
      ageMs: () => (isHello ? undefined : systemClock.monotonic() - helloAt),
      credential: credentialOf(session),
      isSyncing: () => session.early?.some(({ frame }) => frame.t === "sync") ?? false,
    });
    session.registered = true;
    session.bornAt = birth;
    if (displaced === "younger") session.close(CLOSE.replaced, "this device connected again elsewhere");
    else if (displaced !== undefined) replace(parts, { user, device, birth }, displaced);
    for (const { device: other, entry } of crowdedOut) replace(parts, { user, device: other }, entry);
    if (!session.isOpen) await goodbye(parts, session);
    return list;
  } catch (error) {
    session.registered = false;
    telemetry.log.warn({ err: error }, "a session could not be registered: the keeper tries again");
    return undefined;
  }
}

/** What the list of a user's sessions says of this one. */
function credentialOf({ identity, connectedAt, client }: Session): Credential {
  if (identity === undefined) throw new Error("only who is authenticated is registered");
  const { tokenId, issuedAt, expiresAt, revision } = identity;
  return { tokenId, issuedAt, expiresAt, revision, connectedAt, client };
}

/**
 * Closes a device's other session, on this connector or another one. `birth` is that of the session that took
 * its place.
 */
export function replace(
  { hub, bus, names, config }: Pick<RegistrationParts, "hub" | "bus" | "names" | "config">,
  { user, device, birth }: Pick<Replacement, "user" | "device" | "birth">,
  { connector, session }: Pick<SessionEntry, "connector" | "session">,
): void {
  const replacement = { v: 1, user, device, session, birth } as const;
  if (connector === config.instance) displace(hub, replacement, "this device connected again");
  else bus.publish(names.replace(connector), encodeReplacement(replacement));
}

/** Removes a closed session from Redis, unless its device has a newer session. */
export async function goodbye(
  { presence, telemetry }: Pick<RegistrationParts, "presence" | "telemetry">,
  session: Session,
): Promise<void> {
  if (!session.registered || !presence.ready) return;
  session.registered = false;
  try {
    await presence.unregister(session.user, session.device, session.id);
  } catch (error) {
    telemetry.log.debug(
      { err: error },
      "a closed session could not be removed from Redis: deliveries to it are ignored",
    );
  }
}
