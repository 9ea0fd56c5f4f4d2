import { ChatError } from "@jichat/protocol/errors.ts";
import { REVOCATION_TTL_MS } from "@jichat/protocol/log/streams.ts";
import type { IssueToken, IssuedToken } from "./token-issuer.ts";
import type { Accounts } from "@jichat/identity/accounts.ts";
import type { Revocations } from "@jichat/identity/revocations.ts";
import type { Clock } from "@jichat/protocol/clock.ts";
import type { Passwords } from "./passwords.ts";

export interface CredentialParts {
  readonly clock: Pick<Clock, "now">;
  readonly accounts: Pick<Accounts, "get" | "update">;
  readonly passwords: Passwords;
  readonly issueToken: IssueToken;
  readonly revocations: Pick<Revocations, "leastOf" | "readLeastOf" | "revokeUser">;
}

/**
 * A revision of a credential above every earlier one: the account's present one, and the least that is still
 * valid. Revisions are times that strictly increase.
 */
export const nextRevision = (present: number, least: number, now: number): number =>
  Math.max(present + 1, least + 1, now);

/**
 * Signs in. Returns a token, or undefined if there is no such user with this password. The token carries the
 * revision of the password that was checked, so any change made meanwhile invalidates it.
 */
export async function signIn(
  parts: CredentialParts,
  user: string,
  password: string,
): Promise<IssuedToken | undefined> {
  const { clock, accounts, passwords, issueToken, revocations } = parts;
  // Read before the account: a value that is too old is safe, a newer one is not.
  const least = revocations.leastOf(user);
  const found = await accounts.get(user);
  if (!(await passwords.matches(password, found?.account.password))) return undefined;
  const revision = found?.account.credentialRevision ?? 0;
  // The api that changed the password may have ended before it revoked the older tokens.
  if (revision > least && revision > clock.now() - REVOCATION_TTL_MS)
    await revocations.revokeUser(user, revision);
  // An older version changes passwords without a revision, and revokes what was issued before that moment.
  return issueToken(user, Math.max(revision, least));
}

/** Does what ends the older tokens, and whatever has to be done around that. */
export type EndOlder = (end: () => Promise<IssuedToken>) => Promise<IssuedToken>;

/**
 * Changes a password and returns a new token. Of two concurrent changes one wins. The other gets CONFLICT,
 * because its `old` is no longer the password. Throws FORBIDDEN if `old` is wrong; nothing is ended then.
 */
export async function changePassword(
  parts: CredentialParts,
  user: string,
  { old, wanted }: { readonly old: string; readonly wanted: string },
  around: EndOlder,
): Promise<IssuedToken> {
  const { clock, accounts, passwords, issueToken, revocations } = parts;
  const found = await accounts.get(user);
  if (!(await passwords.matches(old, found?.account.password)))
    throw new ChatError("FORBIDDEN", "`old` is not the password");
  const password = await passwords.hash(wanted);
  const least = await revocations.readLeastOf(user);
  const before = found?.account.credentialRevision ?? 0;
  const credentialRevision = nextRevision(before, least, clock.now());
  return around(async () => {
    await accounts.update(user, (account) => {
      if (account.password !== found?.account.password || (account.credentialRevision ?? 0) !== before)
        throw new ChatError(
          "CONFLICT",
          "the password was changed by another request meanwhile: sign in again",
        );
      return { ...account, password, credentialRevision };
    });
    await revocations.revokeUser(user, credentialRevision);
    return issueToken(user, credentialRevision);
  });
}
