import { useMemo, useState } from "preact/hooks";
import { Face } from "./face.tsx";
import { language, t } from "./i18n.ts";
import { matches } from "./matches.ts";
import { useNames } from "./people.ts";
import { Sure } from "./sure.tsx";
import { WindowedList } from "./windowed-list.tsx";

interface Props {
  /** In the order of their ids. */
  readonly members: readonly string[];
  readonly me: string;
  /** Absent if the user may not remove anybody. */
  readonly onRemove: ((user: string) => void) | undefined;
}

interface Member {
  readonly user: string;
  readonly name: string;
}

/** From this many members on, they can be filtered. */
const FILTERED_FROM = 8;
/** As many names are looked up, and put in order. Beyond so many, members stand in the order of their ids. */
const NAMED_MAX = 1_000;
const NOBODY: readonly string[] = [];
const ROW_PX = 44;

/** The members in the order of their names, filtered by what is typed. */
export function MemberList({ members, me, onRemove }: Props) {
  const [typed, setTyped] = useState("");
  const [leaving, setLeaving] = useState<Member>();
  const people = usePeople(members, typed);
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
      <div class="members" tabIndex={0} role="group" aria-label={t("group.members")}>
        <WindowedList data={people} itemSize={ROW_PX}>
          {(member: Member) => (
            <Row
              key={member.user}
              member={member}
              isMe={member.user === me}
              onRemove={onRemove === undefined || member.user === me ? undefined : setLeaving}
            />
          )}
        </WindowedList>
      </div>
      <p class="nothing" role="status" hidden={people.length > 0 || members.length === 0}>
        {people.length === 0 ? t("people.nobody") : ""}
      </p>
      {leaving === undefined ? null : (
        <Sure
          question={t("group.removeSure", { user: leaving.name })}
          deed={t("group.remove")}
          onYes={() => onRemove?.(leaving.user)}
          onClose={() => {
            setLeaving(undefined);
          }}
        />
      )}
    </>
  );
}

function usePeople(members: readonly string[], typed: string): readonly Member[] {
  const isNamed = members.length <= NAMED_MAX;
  const nameOf = useNames(isNamed ? members : NOBODY);
  const spoken = language();
  const sorted = useMemo(() => {
    const all = members.map((user) => ({ user, name: nameOf(user) }));
    const { compare } = new Intl.Collator(spoken);
    return isNamed ? all.sort((a, b) => compare(a.name, b.name) || compare(a.user, b.user)) : all;
  }, [members, nameOf, spoken]);
  return useMemo(
    () => (typed === "" ? sorted : sorted.filter(({ user, name }) => matches(typed, [name, user]))),
    [sorted, typed],
  );
}

interface RowProps {
  readonly member: Member;
  readonly isMe: boolean;
  readonly onRemove: ((member: Member) => void) | undefined;
}

function Row({ member: { user }, isMe, onRemove }: RowProps) {
  const name = useNames([user])(user);
  return (
    <div class="member">
      <Face name={name} seed={user} />
      <span class="name">
        <bdi>{name}</bdi>
      </span>
      {name === user ? null : <span class="dim">@{user}</span>}
      {isMe ? <span class="dim">{t("group.you")}</span> : null}
      {onRemove === undefined ? null : (
        <button
          class="quiet"
          aria-label={t("group.removeMember", { user: name })}
          title={t("group.removeMember", { user: name })}
          onClick={() => {
            onRemove({ user, name });
          }}
        >
          ×
        </button>
      )}
    </div>
  );
}
