import { decodeInner } from "./wire.ts";

/** What KV holds of a user. One without a password is another system's, known by its tokens. */
export interface Account {
  readonly v: 1;
  readonly name?: string | undefined;
  readonly password?: string | undefined;
  /** Of the password: a time that rises with each change. Absent until the first one. */
  readonly credentialRevision?: number | undefined;
  readonly createdAt: number;
}

export const accountText = (account: Account): string => JSON.stringify(account);

export const readAccount = (text: string): Account => decodeInner<Account>(text, "an account");
