import { useState } from "preact/hooks";
import { Combobox } from "./combobox.tsx";
import { Face } from "./face.tsx";
import { t } from "./i18n.ts";
import { usePeopleSearch } from "./people-search.ts";
import type { Profile } from "./rest.ts";

interface Props {
  readonly token: string;
  readonly label: string;
  readonly hint: string;
  /** Users who are not offered: the user themself, and those who are chosen already. */
  readonly without: readonly string[];
  readonly onChoose: (user: string) => void;
}

/** Finds people by id or name while the user types. */
export function PeoplePicker({ token, label, hint, without, onChoose }: Props) {
  const [text, setText] = useState("");
  const { found, isFault } = usePeopleSearch(token, text);
  const people = found?.filter(({ user }) => !without.includes(user));
  return (
    <Combobox
      label={label}
      hint={hint}
      listLabel={t("people.found")}
      text={text}
      onText={setText}
      choices={people?.map((profile) => ({ key: profile.user, shown: <Person profile={profile} /> }))}
      onChoose={({ key }) => {
        setText("");
        onChoose(key);
      }}
      status={isFault ? t("people.fault") : people?.length === 0 ? t("people.nobody") : ""}
    />
  );
}

/** Somebody in a list: the display name, and the id by which no two people are alike. */
export function Person({ profile: { user, name = user } }: { readonly profile: Profile }) {
  return (
    <span class="person">
      <Face name={name} seed={user} />
      <bdi>{name}</bdi>
      {name === user ? null : <span class="dim">@{user}</span>}
    </span>
  );
}
