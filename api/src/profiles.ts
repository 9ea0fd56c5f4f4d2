import type { Accounts } from "@jichat/identity/accounts.ts";
import { ChatError } from "@jichat/protocol/errors.ts";

/** The display name of every deleted account: messages stay, and this is who they are from. */
export const DELETED_NAME = "deleted";

export interface Profile {
  readonly user: string;
  readonly name?: string;
  readonly deleted?: true;
}

/** A user's profile, also that of a deleted account; `undefined` if nobody ever had this id. */
export async function findProfile(
  accounts: Pick<Accounts, "get">,
  user: string,
): Promise<Profile | undefined> {
  const found = await accounts.get(user);
  if (found === undefined) return undefined;
  const { name, deletedAt } = found.account;
  if (deletedAt !== undefined) return { user, name: DELETED_NAME, deleted: true };
  return { user, ...(name === undefined ? {} : { name }) };
}

/** Like `findProfile`, but throws NOT_FOUND if nobody ever had this id. */
export async function profileOf(accounts: Pick<Accounts, "get">, user: string): Promise<Profile> {
  const found = await findProfile(accounts, user);
  if (found === undefined) throw new ChatError("NOT_FOUND", "no such user");
  return found;
}
