import { memo } from "preact/compat";
import { useState } from "preact/hooks";
import { goTo } from "./address.ts";
import { Bell } from "./bell.tsx";
import { dateOf, whenOf } from "./dates.ts";
import { Face } from "./face.tsx";
import { useInTurn } from "./frames.ts";
import { language, t } from "./i18n.ts";
import type { ConversationRow } from "./listed.ts";
import type { ChatModel } from "./model.ts";
import { NewGroup } from "./new-group.tsx";
import { PeoplePicker } from "./people-picker.tsx";
import { useNames } from "./people.ts";
import { useShown } from "./shown.ts";
import { WindowedList } from "./windowed-list.tsx";
import { namedIn, sentenceOf } from "./words.ts";

interface Props {
  readonly model: ChatModel;
  readonly token: string;
  readonly onSettings: () => void;
}

export function ConversationList({ model, token, onSettings }: Props) {
  const [isGroup, setGroup] = useState(false);
  const myName = useNames([model.me])(model.me);
  const isEmpty = useShown(model, ({ listed, sorted }) => listed && sorted.length === 0);
  return (
    <nav class="side" aria-label={t("list.label")}>
      <header>
        <Face name={myName} seed={model.me} />
        <b>
          <bdi>{myName}</bdi>
        </b>
        <button
          class="quiet"
          onClick={() => {
            setGroup(!isGroup);
          }}
        >
          {isGroup ? t("list.cancel") : t("list.newGroup")}
        </button>
        <button
          class="quiet icon"
          aria-label={t("list.settings")}
          title={t("list.settings")}
          onClick={onSettings}
        >
          ⚙
        </button>
      </header>
      {isGroup ? (
        <NewGroup
          model={model}
          token={token}
          onDone={() => {
            setGroup(false);
          }}
        />
      ) : (
        <div class="new">
          <PeoplePicker
            token={token}
            label={t("list.find")}
            hint={t("list.findHint")}
            without={[model.me]}
            onChoose={(user) => {
              goTo(model, `@${user}`);
            }}
          />
        </div>
      )}
      <Entries key={language()} model={model} />
      {isEmpty ? <p class="nothing">{t("list.nothing")}</p> : null}
    </nav>
  );
}

/** What an entry is high, in pixels; the layout may make it another. */
const ENTRY_PX = 62;
/** So far beyond the view there are entries: the arrow keys find the next one. */
const BEYOND_PX = 5 * ENTRY_PX;

/** The list. Only the entries on the screen are in the document, and the one that has the focus. */
function Entries({ model }: Pick<Props, "model">) {
  const [focused, setFocused] = useState<string>();
  const sorted = useInTurn(useShown(model, (shown) => shown.sorted));
  const open = useShown(model, (shown) => shown.open);
  const at = focused === undefined ? -1 : sorted.findIndex(({ id }) => id === focused);
  const today = dateOf();
  return (
    <div
      class="entries"
      onFocusIn={({ target }) => {
        setFocused((target as Element).closest<HTMLElement>("[data-id]")?.dataset["id"]);
      }}
    >
      <WindowedList
        data={sorted}
        itemSize={ENTRY_PX}
        bufferSize={BEYOND_PX}
        {...(at < 0 ? {} : { keepMounted: [at] })}
      >
        {(listed: ConversationRow) => (
          <Entry key={listed.id} model={model} listed={listed} isOpen={listed.id === open} today={today} />
        )}
      </WindowedList>
    </div>
  );
}

/** The arrow keys move between conversations. */
function onArrow(event: KeyboardEvent & { readonly currentTarget: HTMLButtonElement }): void {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const entry = event.currentTarget.closest("li");
  const next = event.key === "ArrowDown" ? entry?.nextElementSibling : entry?.previousElementSibling;
  next?.querySelector("button")?.focus();
  event.preventDefault();
}

interface EntryProps {
  readonly model: ChatModel;
  readonly listed: ConversationRow;
  readonly isOpen: boolean;
  /** The day of the drawing: a time becomes a date when the day is over. */
  readonly today: string;
}

/** It is drawn again only when one of these differs: a message moves many entries, and changes one. */
const Entry = memo(({ model, listed, isOpen }: EntryProps) => {
  const { id, kind, last, muted, unread } = listed;
  const peers = kind === "direct" ? [listed.name] : [];
  const nameOf = useNames(last === undefined ? peers : [...peers, ...namedIn(last)]);
  const name = kind === "direct" ? nameOf(listed.name) : listed.name;
  const isSaid = last?.kind === "message" && kind === "group";
  const said = last === undefined ? "" : sentenceOf(last, { me: model.me, nameOf });
  const who = last?.from === model.me ? t("says.you") : nameOf(last?.from ?? "");
  return (
    <button
      data-id={id}
      aria-current={isOpen ? "true" : undefined}
      class={unread > 0 ? "fresh" : undefined}
      onKeyDown={onArrow}
      onClick={() => {
        model.show(id);
      }}
    >
      <Face name={name} seed={listed.name} isGroup={kind === "group"} />
      <span class="name">
        <bdi>{name}</bdi>
      </span>
      <span class="time">
        {muted === undefined ? null : (
          <span class="muted" role="img" aria-label={t("list.muted")}>
            <Bell isMuted />
          </span>
        )}
        {last === undefined ? "" : whenOf(last.ts)}
      </span>
      <span class="last" dir="auto">
        {isSaid ? <bdi>{who}: </bdi> : null}
        {said}
      </span>
      {unread > 0 ? (
        <span
          class={muted === undefined ? "unread" : "unread calm"}
          role="img"
          aria-label={t("list.unread", { count: unread })}
        >
          {unread > 99 ? "99+" : unread}
        </span>
      ) : null}
    </button>
  );
});
