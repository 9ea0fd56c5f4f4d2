import { RestError, callRest } from "@jichat/client/rest.ts";
import { t } from "./i18n.ts";

/** Rejects with RestError. If the server cannot be reached, its message is in the reader's language. */
async function call<T>(method: string, path: string, token?: string, body?: object): Promise<T> {
  try {
    return await callRest<T>(method, path, {
      ...(token === undefined ? {} : { token }),
      ...(body === undefined ? {} : { body }),
    });
  } catch (thrown) {
    const isOffline = thrown instanceof RestError && thrown.status === 0;
    throw isOffline ? new RestError(0, "UNAVAILABLE", t("app.needsServer"), { cause: thrown }) : thrown;
  }
}

export interface Session {
  readonly user: string;
  readonly token: string;
}
export interface Profile {
  readonly user: string;
  readonly name?: string;
}

export const signUp = (user: string, password: string): Promise<Profile> =>
  call("POST", "/v1/users", undefined, { user, password });

export async function signIn(user: string, password: string): Promise<Session> {
  const { token } = await call<{ token: string }>("POST", "/v1/sessions", undefined, { user, password });
  return { user, token };
}

export const signOut = (token: string): Promise<unknown> => call("DELETE", "/v1/sessions", token);
export const getProfile = (token: string): Promise<Profile> => call("GET", "/v1/me", token);
export const rename = (token: string, name: string): Promise<Profile> =>
  call("PATCH", "/v1/me", token, { name });

/** Makes every earlier token void. The returned session has the new token. */
export async function changePassword(session: Session, old: string, made: string): Promise<Session> {
  const asked = { old, new: made };
  const { token } = await call<{ token: string }>("PUT", "/v1/me/password", session.token, asked);
  return { user: session.user, token };
}

export const getConfig = (): Promise<{ ws: string[] }> => call("GET", "/v1/config");
export const getMembers = async (token: string, conversation: string): Promise<string[]> =>
  (
    await call<{ items: { user: string }[] }>("GET", `/v1/conversations/${conversation}/members`, token)
  ).items.map(({ user }) => user);
