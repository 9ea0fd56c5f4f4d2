import { callRest } from "@jichat/client/rest.ts";
import type { Profile, Session } from "./rest.ts";

/** Calls of the REST interface that only this page makes. All reject with RestError. */

const PATH = "/v1/page-session";
/** Pages of other origins cannot send it, so the api knows this page by it. */
const headers = { "jichat-page": "1" };

/** The session that the browser keeps for this page in a cookie; undefined if nobody is signed in. */
export async function restoreSession(): Promise<Session | undefined> {
  const { user, token } = await callRest<Partial<Session>>("POST", PATH, { headers });
  return user === undefined || token === undefined ? undefined : { user, token };
}

/** Keeps the session over a reload, in a cookie that no script can read. */
export const keepSession = ({ token }: Session): Promise<unknown> =>
  callRest("PUT", PATH, { headers, token });
export const forgetSession = (): Promise<unknown> => callRest("DELETE", PATH, { headers });

interface Found {
  readonly items: readonly Profile[];
}

const FOUND_MAX = 8;
/** People whose id, or a word of whose name, begins with `text`. */
export const searchPeople = async (token: string, text: string): Promise<readonly Profile[]> =>
  (
    await callRest<Found>("GET", `/v1/people/search?q=${encodeURIComponent(text)}&limit=${FOUND_MAX}`, {
      token,
    })
  ).items;
