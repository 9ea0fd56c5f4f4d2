import type { EndedSessions } from "@jichat/protocol/bus/ended-sessions.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { REVOCATION_TTL_MS } from "@jichat/protocol/log/streams.ts";

/**
 * Most devices of a user that may be ended one by one. Entries older than the life of any token do not count.
 */
export const ENDED_DEVICES_MAX = 100;

/** What a user ended of their sessions, for look-ups. Times are milliseconds since 1970. */
export interface Ended {
  readonly devices: ReadonlyMap<string, number>;
  readonly kept: EndedSessions["kept"];
}

/** The part of a token or a ticket that matters here. */
interface Issued {
  readonly tokenId: string;
  readonly issuedAt: number;
}

export const NOTHING_ENDED: Ended = { devices: new Map(), kept: undefined };

export const endedOf = ({ devices, kept }: EndedSessions): Ended => ({ devices: new Map(devices), kept });
export const storedOf = ({ devices, kept }: Ended): EndedSessions => ({ v: 1, devices: [...devices], kept });

/** Adds a device that is ended now. Throws CONFLICT if too many were ended one by one. */
export function withDevice({ devices, kept }: Ended, device: string, now: number): Ended {
  const oldest = now - REVOCATION_TTL_MS;
  const next = new Map([...devices].filter(([, at]) => at > oldest)).set(device, now);
  if (next.size > ENDED_DEVICES_MAX)
    throw new ChatError(
      "CONFLICT",
      `at most ${ENDED_DEVICES_MAX} devices are ended one by one in 31 days: end all sessions at once`,
    );
  return { devices: next, kept };
}

/** Keeps one token while all others of the user end at `revision`. */
export const withKept = ({ devices }: Ended, tokenId: string, revision: number): Ended => ({
  devices,
  kept: { tokenId, revision },
});

/** Without the devices that were ended until `time`. */
export const withoutDevices = ({ devices, kept }: Ended, time: number): Ended => ({
  devices: new Map([...devices].filter(([, at]) => at > time)),
  kept,
});

/** True if the device was ended after the token was issued. */
export const isDeviceEnded = ({ devices }: Ended, { issuedAt }: Issued, device: string): boolean =>
  issuedAt < (devices.get(device) ?? 0);

/** True if the token is valid although it is of a revision below `least`. */
export const isKept = ({ kept }: Ended, { tokenId }: Issued, least: number): boolean =>
  kept !== undefined && kept.tokenId === tokenId && kept.revision >= least;

/** True if nothing in here can matter to a token that is valid at `now`. */
export const isOutdated = ({ devices, kept }: Ended, now: number): boolean => {
  const before = now - REVOCATION_TTL_MS;
  return (kept?.revision ?? 0) < before && [...devices.values()].every((at) => at < before);
};
