import { useState } from "preact/hooks";
import { Face } from "./face.tsx";
import { t } from "./i18n.ts";
import type { ConversationRow } from "./listed.ts";
import type { ChatModel } from "./model.ts";
import { NewGroup } from "./new-group.tsx";
import { PeoplePicker } from "./people-picker.tsx";
import { sentenceOf, whenOf } from "./words.ts";

interface Props {
  readonly model: ChatModel;
  readonly token: string;
  readonly onSettings: () => void;
}

export function ConversationList({ model, token, onSettings }: Props) {
  const [isGroup, setGroup] = useState(false);
  const talkTo = (user: string): void => {
    const known = model.sorted.find(({ kind, name }) => kind === "direct" && name === user);
    model.show(known?.id ?? `@${user}`);
  };
  return (
    <nav class="side" aria-label={t("list.label")}>
      <header>
        <Face name={model.me} />
        <b>{model.me}</b>
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
            onChoose={talkTo}
          />
        </div>
      )}
      <ul>
        {model.sorted.map((listed) => (
          <Entry key={listed.id} model={model} listed={listed} />
        ))}
      </ul>
      {model.listed && model.sorted.length === 0 ? <p class="nothing">{t("list.nothing")}</p> : null}
    </nav>
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

function Entry({ model, listed }: { readonly model: ChatModel; readonly listed: ConversationRow }) {
  const { id, name, kind, last, unread } = listed;
  const isSaid = last?.kind === "message" && kind === "group" && last.from !== model.me;
  return (
    <li>
      <button
        aria-current={model.open === id ? "true" : undefined}
        class={unread > 0 ? "fresh" : undefined}
        onKeyDown={onArrow}
        onClick={() => {
          model.show(id);
        }}
      >
        <Face name={name} isGroup={kind === "group"} />
        <span class="name">{name}</span>
        <span class="time">{last === undefined ? "" : whenOf(last.ts)}</span>
        <span class="last">
          {last === undefined ? "" : (isSaid ? `${last.from}: ` : "") + sentenceOf(last, model.me)}
        </span>
        {unread > 0 ? (
          <span class="unread" role="img" aria-label={t("list.unread", { count: unread })}>
            {unread > 99 ? "99+" : unread}
          </span>
        ) : null}
      </button>
    </li>
  );
}
