import type { Profile } from "./chat/types.ts";
import type { RestCall } from "./rest.ts";
import { callRest } from "./rest.ts";

/** Where the REST interface is. A page that the api itself serves leaves it out. */
export type Api = Pick<RestCall, "api" | "signal" | "timeoutMs">;

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
