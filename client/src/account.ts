import type { Directory, MembersPage, Profile } from "./chat/types.ts";
import type { RestCall } from "./rest.ts";
import { RestError, callRest } from "./rest.ts";

/** Where the REST interface is. A page that the api itself serves leaves it out. */
export type Api = Pick<RestCall, "api" | "signal">;

/** Who is signed in, and the proof. */
export interface Session {
  readonly user: string;
  readonly token: string;
  /** Milliseconds since 1970, by the server's clock. */
  readonly expiresAt: number;
}

/** What a user signs in with. */
export interface Login {
  readonly user: string;
  readonly password: string;
}

type Token = Omit<Session, "user">;

const isOfToken = (thrown: unknown): boolean =>
  thrown instanceof RestError && (thrown.code === "UNAUTHENTICATED" || thrown.code === "TOKEN_EXPIRED");

/** Makes an account. Rejects with CONFLICT if the name is taken. Does not sign in. */
export const signUp = async (account: Login & { readonly name?: string }, api?: Api): Promise<Profile> =>
  callRest("POST", "/v1/users", { ...api, body: account });

/** Rejects with UNAUTHENTICATED for a wrong name or password, and with RATE_LIMITED after too many tries. */
export async function signIn({ user, password }: Login, api?: Api): Promise<Session> {
  const asked = { ...api, body: { user, password } };
  const { token, expiresAt } = await callRest<Token>("POST", "/v1/sessions", asked);
  return { user, token, expiresAt };
}

/** Makes the session's token void, on all devices that use it. */
export async function signOut({ token }: Pick<Session, "token">, api?: Api): Promise<void> {
  await callRest("DELETE", "/v1/sessions", { ...api, token });
}

/** Makes every earlier token of the user void. The session that it resolves with has the new one. */
export async function changePassword(
  session: Pick<Session, "user" | "token">,
  { old, wanted }: { readonly old: string; readonly wanted: string },
  api?: Api,
): Promise<Session> {
  const asked = { ...api, token: session.token, body: { old, new: wanted } };
  const { token, expiresAt } = await callRest<Token>("PUT", "/v1/me/password", asked);
  return { user: session.user, token, expiresAt };
}

/** One's own profile. */
export const ownProfile = async ({ token }: Pick<Session, "token">, api?: Api): Promise<Profile> =>
  callRest("GET", "/v1/me", { ...api, token });

/** Changes the name that others see. */
export const changeName = async (
  { token }: Pick<Session, "token">,
  name: string,
  api?: Api,
): Promise<Profile> => callRest("PATCH", "/v1/me", { ...api, token, body: { name } });

/** Users whose id begins with `prefix`, whatever its case; at most `limit`, 1 to 100. */
export async function findUsers(
  { token }: Pick<Session, "token">,
  { prefix, limit = 8 }: { readonly prefix: string; readonly limit?: number },
  api?: Api,
): Promise<readonly Profile[]> {
  const path = `/v1/users?q=${encodeURIComponent(prefix)}&limit=${limit}`;
  return (await callRest<{ items: readonly Profile[] }>("GET", path, { ...api, token })).items;
}

/** The URLs of the connectors, for `urls` of a client. Needs no token. */
export const connectors = async (api?: Api): Promise<readonly string[]> =>
  (await callRest<{ ws: readonly string[] }>("GET", "/v1/config", api)).ws;

interface MemberList extends Omit<MembersPage, "users"> {
  readonly items: readonly { readonly user: string }[];
}

/**
 * People as the REST interface knows them. `token` is asked for at the first call, and again when the token
 * that it gave is not accepted any more.
 */
export function restDirectory(token: () => Promise<string>, api?: Api): Directory {
  let known: Promise<string> | undefined;
  const ask = async <T>(path: string): Promise<T> => {
    known ??= token();
    const asked = known;
    try {
      return await callRest<T>("GET", path, { ...api, token: await asked });
    } catch (thrown) {
      // The next call asks for a token again, also after a `token()` that failed.
      if ((isOfToken(thrown) || !(thrown instanceof RestError)) && known === asked) known = undefined;
      throw thrown;
    }
  };
  const askTwice = async <T>(path: string): Promise<T> => {
    try {
      return await ask<T>(path);
    } catch (thrown) {
      if (!isOfToken(thrown)) throw thrown;
      return ask<T>(path);
    }
  };
  return {
    profiles: async (users) => {
      const path = `/v1/people?users=${users.map(encodeURIComponent).join(",")}`;
      return (await askTwice<{ items: readonly Profile[] }>(path)).items;
    },
    members: async (conversation, after) => {
      const query = after === undefined ? "" : `?after=${encodeURIComponent(after)}`;
      const path = `/v1/conversations/${encodeURIComponent(conversation)}/members${query}`;
      const { items, ...page } = await askTwice<MemberList>(path);
      return { users: items.map(({ user }) => user), ...page };
    },
  };
}
