import { decodeInner } from "./wire.ts";

/**
 * A user's entry in the bucket of accounts. A user without a password belongs to another system, and is known
 * by that system's tokens.
 */
export interface Account {
  readonly v: 1;
  readonly name?: string | undefined;
  readonly password?: string | undefined;
  /** Revision of the password: a time that rises with each change. Absent until the first change. */
  readonly credentialRevision?: number | undefined;
  readonly createdAt: number;
  /**
   * When the account was deleted, in milliseconds since 1970. The entry stays, without name and password, so
   * that nobody gets the user's id again.
   */
  readonly deletedAt?: number | undefined;
}

export const accountText = (account: Account): string => JSON.stringify(account);

export const readAccount = (text: string): Account => decodeInner<Account>(text, "an account");
