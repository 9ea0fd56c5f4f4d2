import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Choice } from "./combobox.tsx";
import { Combobox } from "./combobox.tsx";
import { Face } from "./face.tsx";
import { t } from "./i18n.ts";
import type { ConversationRow } from "./listed.ts";
import { matches } from "./matches.ts";
import type { ChatModel } from "./model.ts";
import { Person } from "./people-picker.tsx";
import { usePeopleSearch } from "./people-search.ts";
import { useNames } from "./people.ts";
import { useShown } from "./shown.ts";

interface Props {
  readonly model: ChatModel;
  readonly token: string;
  readonly onChoose: (target: string) => void;
  readonly onClose: () => void;
}

const CONVERSATIONS_MAX = 8;
/** So many of the latest conversations are found by the display name of the other user, all by their id. */
const NAMED_MAX = 1_000;

/** Jumps to a conversation, or to a person, by the beginning of any word of their name. */
export function Jump({ model, token, onChoose, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  const isListed = useShown(model, ({ listed }) => listed);
  // As of the last keystroke: a message that arrives moves no choice under the pointer.
  const sorted = useMemo(() => model.sorted, [model, isListed, text]);
  const nameOf = useNames(useMemo(() => peersOf(sorted), [sorted]));
  const { found, isFault } = usePeopleSearch(token, text);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  const conversations = sorted
    .filter(({ kind, name }) => matches(text, kind === "direct" ? [nameOf(name), name] : [name]))
    .slice(0, CONVERSATIONS_MAX);
  const talked = new Set(conversations.flatMap(({ kind, name }) => (kind === "direct" ? [name] : [])));
  const people = (found ?? []).filter(({ user }) => !talked.has(user) && user !== model.me);
  const choices: readonly Choice[] = [
    ...conversations.map((listed) => ({ key: listed.id, shown: choiceOf(listed, nameOf) })),
    ...people.map((profile) => ({ key: `@${profile.user}`, shown: <Person profile={profile} /> })),
  ];
  const isNothing = choices.length === 0 && found !== undefined;
  return (
    <dialog ref={dialog} class="jump" aria-label={t("jump.label")} onClose={onClose}>
      <Combobox
        label={t("jump.label")}
        hint={t("jump.hint")}
        listLabel={t("jump.found")}
        text={text}
        onText={setText}
        choices={choices}
        onChoose={({ key }) => {
          dialog.current?.close();
          onChoose(key);
        }}
        status={isFault ? t("people.fault") : isNothing ? t("jump.nothing") : ""}
        autofocus
      />
    </dialog>
  );
}

const peersOf = (conversations: readonly ConversationRow[]): readonly string[] =>
  conversations.slice(0, NAMED_MAX).flatMap(({ kind, name }) => (kind === "direct" ? [name] : []));

function choiceOf({ name, kind }: ConversationRow, nameOf: (user: string) => string) {
  if (kind === "direct") return <Person profile={{ user: name, name: nameOf(name) }} />;
  return (
    <span class="person">
      <Face name={name} isGroup />
      <bdi>{name}</bdi>
    </span>
  );
}
