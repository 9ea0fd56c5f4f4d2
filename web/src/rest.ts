import * as sdk from "@jichat/client";
import { RestError } from "@jichat/client";
import { t } from "./i18n.ts";

/** Rejects with RestError. If the server cannot be reached, its message is in the reader's language. */
async function explained<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (thrown) {
    const isOffline = thrown instanceof RestError && thrown.status === 0;
    throw isOffline ? new RestError(0, "UNAVAILABLE", t("app.needsServer"), { cause: thrown }) : thrown;
  }
}

export type Session = Pick<sdk.Session, "user" | "token">;
export type Profile = sdk.Profile;

export const signUp = (user: string, password: string): Promise<Profile> =>
  explained(sdk.signUp({ user, password }));

export const signIn = (user: string, password: string): Promise<Session> =>
  explained(sdk.signIn({ user, password }));

export const signOut = (token: string): Promise<void> => explained(sdk.signOut({ token }));
export const getProfile = (token: string): Promise<Profile> => explained(sdk.ownProfile({ token }));
export const rename = (token: string, name: string): Promise<Profile> =>
  explained(sdk.changeName({ token }, name));

/** Makes every earlier token void. The returned session has the new token. */
export const changePassword = (session: Session, old: string, wanted: string): Promise<Session> =>
  explained(sdk.changePassword(session, { old, wanted }));

export const getConfig = async (): Promise<{ readonly ws: readonly string[] }> => ({
  ws: await explained(sdk.connectors()),
});
