import type { Clock } from "@jichat/protocol/clock.ts";
import type { Api } from "./account.ts";
import type { Directory, MembersPage, Profile } from "./chat/types.ts";
import { RestError, callRest } from "./rest.ts";
import { REAL } from "./surroundings.ts";
import { TokenSource } from "./token-source.ts";

const isOfToken = (thrown: unknown): boolean =>
  thrown instanceof RestError && (thrown.code === "UNAUTHENTICATED" || thrown.code === "TOKEN_EXPIRED");

interface MemberList extends Omit<MembersPage, "users"> {
  readonly items: readonly { readonly user: string }[];
}

/**
 * People as the REST interface knows them. `token` is asked for at the first call, and again when the token
 * that it gave is not accepted any more. One that gives no token within 30 s is asked again by the next call.
 */
export function restDirectory(token: () => Promise<string>, api?: Api, clock: Clock = REAL.clock): Directory {
  let known: Promise<string> | undefined;
  const ask = async <T>(path: string): Promise<T> => {
    known ??= new TokenSource(token, clock).fresh();
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
