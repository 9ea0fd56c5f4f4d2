import { useState } from "preact/hooks";
import { Face } from "./face.tsx";
import { language, t } from "./i18n.ts";
import { matches } from "./matches.ts";
import { useNames } from "./people.ts";
import { Sure } from "./sure.tsx";

interface Props {
  readonly members: readonly string[];
  readonly me: string;
  /** Absent if the user may not remove anybody. */
  readonly onRemove: ((user: string) => void) | undefined;
}

/** From this many members on, they can be filtered. */
const FILTERED_FROM = 8;

/** The members in the order of their names, filtered by what is typed. */
export function MemberList({ members, me, onRemove }: Props) {
  const [typed, setTyped] = useState("");
  const [leaving, setLeaving] = useState<string>();
  const nameOf = useNames();
  const { compare } = new Intl.Collator(language());
  const people = members
    .map((user) => ({ user, name: nameOf(user) }))
    .filter(({ user, name }) => matches(typed, [name, user]))
    .sort((a, b) => compare(a.name, b.name) || compare(a.user, b.user));
  return (
    <>
      {members.length < FILTERED_FROM ? null : (
        <input
          type="search"
          dir="auto"
          placeholder={t("group.filter")}
          aria-label={t("group.filter")}
          value={typed}
          onInput={(event) => {
            setTyped(event.currentTarget.value);
          }}
        />
      )}
      <ul class="members">
        {people.map(({ user, name }) => (
          <li key={user}>
            <Face name={name} seed={user} />
            <span class="name" dir="auto">
              {name}
            </span>
            {name === user ? null : <span class="dim">@{user}</span>}
            {user === me ? <span class="dim">{t("group.you")}</span> : null}
            {user === me || onRemove === undefined ? null : (
              <button
                class="quiet"
                aria-label={t("group.removeMember", { user: name })}
                title={t("group.removeMember", { user: name })}
                onClick={() => {
                  setLeaving(user);
                }}
              >
                ×
              </button>
            )}
          </li>
        ))}
      </ul>
      <p class="nothing" role="status" hidden={people.length > 0 || members.length === 0}>
        {people.length === 0 ? t("people.nobody") : ""}
      </p>
      {leaving === undefined ? null : (
        <Sure
          question={t("group.removeSure", { user: nameOf(leaving) })}
          deed={t("group.remove")}
          onYes={() => onRemove?.(leaving)}
          onClose={() => {
            setLeaving(undefined);
          }}
        />
      )}
    </>
  );
}
