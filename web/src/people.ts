import { createContext } from "preact";
import { useSyncExternalStore } from "preact/compat";
import { useContext, useMemo } from "preact/hooks";
import type { Live, Profile } from "@jichat/client";
import { t } from "./i18n.ts";

/** The profile of a user, looked up while somebody is subscribed to it. */
export type Profiles = (user: string) => Live<Profile>;

const NOBODY: Profiles = (user) => {
  const profile = { user };
  return { get: () => profile, subscribe: () => () => undefined };
};

/** The people of the signed-in user's world. */
export const People = createContext<Profiles>(NOBODY);

/** How a profile is shown. Until the name is known, the user's id stands in its place. */
export const shownName = ({ user, name = user, deleted }: Profile): string =>
  deleted === true ? t("people.deleted") : name;

/** One value of several: it is another text when one of the profiles is shown in another way. */
function joined(lives: readonly Live<Profile>[]): Live<string> {
  return {
    get: () => lives.map(({ get }) => shownName(get())).join("\n"),
    subscribe: (listener) => {
      const stops = lives.map(({ subscribe }) => subscribe(listener));
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
}

/**
 * The function that names `users`. The component is drawn again when one of them gets another name, and the
 * function is another one then.
 */
export function useNames(users: readonly string[]): (user: string) => string {
  const profiles = useContext(People);
  const key = users.join(" ");
  const names = useMemo(() => joined([...new Set(users)].map(profiles)), [profiles, key]);
  const shown = useSyncExternalStore(names.subscribe, names.get);
  return useMemo(() => (user: string) => shownName(profiles(user).get()), [profiles, key, shown]);
}

/** Somebody as they are known by now. */
export function useProfile(user: string): Profile {
  const profiles = useContext(People);
  const live = useMemo(() => profiles(user), [profiles, user]);
  return useSyncExternalStore(live.subscribe, live.get);
}
