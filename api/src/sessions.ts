import type { Accounts } from "@jichat/identity/accounts.ts";
import { isOver } from "@jichat/identity/claims.ts";
import type { Revocations } from "@jichat/identity/revocations.ts";
import type { Identity } from "@jichat/identity/tokens.ts";
import type { KnownDevice } from "@jichat/presence/presence-texts.ts";
import type { Presence } from "@jichat/presence/presence.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import { ChatError } from "@jichat/protocol/errors.ts";
import { nextRevision } from "./credentials.ts";

export interface SessionParts {
  readonly clock: Pick<Clock, "now">;
  readonly presence: Pick<Presence, "devices">;
  readonly accounts: Pick<Accounts, "get" | "update">;
  readonly revocations: Pick<
    Revocations,
    "endDevice" | "forgetDevices" | "isRevoked" | "keepToken" | "readLeastOf" | "revokeToken" | "revokeUser"
  >;
}

/** A device that is connected, or may come back with the token or the tickets that it has. */
export interface DeviceSession {
  readonly device: string;
  readonly connected: boolean;
  /** Times are milliseconds since 1970. */
  readonly connectedAt: number;
  readonly expiresAt: number;
  readonly client?: string;
  /** True if the device has the token of this request. */
  readonly current: boolean;
}

/** The devices whose credential is still good, the latest to connect first. */
async function devicesOf(parts: SessionParts, user: string): Promise<readonly KnownDevice[]> {
  const { clock, presence, revocations } = parts;
  const known = await presence.devices(user).catch((cause: unknown) => {
    throw new ChatError("UNAVAILABLE", "the sessions cannot be listed just now", { cause });
  });
  return known
    .filter(
      ({ device, credential }) =>
        !isOver(credential.expiresAt, clock.now()) &&
        !revocations.isRevoked({ user, ...withoutAbsent(credential) }, device),
    )
    .sort((a, b) => b.credential.connectedAt - a.credential.connectedAt);
}

const withoutAbsent = ({ tokenId, issuedAt, revision }: KnownDevice["credential"]) => ({
  tokenId,
  issuedAt,
  ...(revision === undefined ? {} : { revision }),
});

/** The sessions of a user. Throws UNAVAILABLE if Redis, which remembers them, does not answer. */
export async function listSessions(
  parts: SessionParts,
  { user, tokenId }: Identity,
): Promise<readonly DeviceSession[]> {
  return (await devicesOf(parts, user)).map(({ device, isConnected, credential }) => ({
    device,
    connected: isConnected,
    connectedAt: credential.connectedAt,
    expiresAt: credential.expiresAt,
    ...(credential.client === undefined ? {} : { client: credential.client }),
    current: credential.tokenId === tokenId,
  }));
}

/**
 * Ends the session of one device: its socket is closed, and nothing that was issued until now is accepted
 * from it. Its token is revoked, unless another device or this request has the same one. Throws NOT_FOUND if
 * the device has no session, and was not known otherwise (`isKnown`).
 */
export async function endSession(
  parts: SessionParts,
  { user, tokenId }: Identity,
  device: string,
  isKnown: boolean,
): Promise<void> {
  const { revocations } = parts;
  const devices = await devicesOf(parts, user);
  const ending = devices.find((one) => one.device === device);
  if (ending === undefined && !isKnown) throw new ChatError("NOT_FOUND", "no session of this device");
  await revocations.endDevice(user, device);
  if (ending === undefined) return;
  const { credential } = ending;
  const isShared = devices.some((one) => one !== ending && one.credential.tokenId === credential.tokenId);
  if (!isShared && credential.tokenId !== tokenId)
    await revocations.revokeToken({ user, ...withoutAbsent(credential) });
}

/**
 * Ends all sessions of a user: every token and ticket that was issued until now is void. With `keeps`, the
 * token of this request stays good, and so do the devices that have it. Safe to repeat after a failure.
 * Throws CONFLICT if the password or the sessions are changed at the same time.
 */
export async function endAllSessions(
  { accounts, revocations, clock }: SessionParts,
  identity: Identity,
  keeps: boolean,
): Promise<void> {
  const { user } = identity;
  const before = (await accounts.get(user))?.account.credentialRevision ?? 0;
  const revision = nextRevision(before, await revocations.readLeastOf(user), clock.now());
  if (keeps) await revocations.keepToken(identity, revision);
  // A sign-in takes its revision from the account, even where the revocation is not known yet.
  await accounts.update(user, (account) => {
    if ((account.credentialRevision ?? 0) !== before)
      throw new ChatError("CONFLICT", "the password or the sessions were changed meanwhile");
    return { ...account, credentialRevision: revision };
  });
  await revocations.revokeUser(user, revision);
  await revocations.forgetDevices(user, keeps ? identity.issuedAt : Number.POSITIVE_INFINITY);
}
