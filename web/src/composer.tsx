import { useEffect, useRef, useState } from "preact/hooks";
import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";
import { Fault } from "./fault.tsx";
import { explain, t } from "./i18n.ts";
import type { ChatModel } from "./model.ts";
import { textOf } from "./words.ts";

interface Props {
  readonly model: ChatModel;
  readonly target: string;
  readonly editing: ChatEvent | undefined;
  readonly onEditLast: () => void;
  readonly onDone: () => void;
}

/** A body has at most 8 KB of JSON. This many characters always fit. */
const TEXT_MAX = 2_000;

export function Composer({ model, target, editing, onEditLast, onDone }: Props) {
  const [text, write] = useState(editing === undefined ? (model.drafts.get(target) ?? "") : textOf(editing));
  const [fault, setFault] = useState<string>();
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    area.current?.focus();
  }, []);
  const setText = (now: string): void => {
    write(now);
    if (editing === undefined) model.drafts.set(target, now);
  };
  const submit = (): void => {
    const said = text.trim();
    if (said === "") return;
    if (editing === undefined) {
      model.send(said);
      setText("");
      return;
    }
    model.change(editing.seq, said).then(onDone, (error: unknown) => {
      setFault(explain(error));
    });
  };
  const onKey = (event: KeyboardEvent): void => {
    // An input method uses Enter itself, to choose a character.
    if (event.isComposing) return;
    if (event.key === "Escape" && editing !== undefined) onDone();
    else if (event.key === "ArrowUp" && editing === undefined && text === "") onEditLast();
    else if (event.key === "Enter" && !event.shiftKey) submit();
    else return;
    event.preventDefault();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {editing === undefined ? null : <p class="editing">{t("composer.editing")}</p>}
      <textarea
        ref={area}
        rows={1}
        maxLength={TEXT_MAX}
        value={text}
        aria-label={t("composer.label")}
        placeholder={t(editing === undefined ? "composer.hint" : "composer.editHint")}
        onInput={(event) => {
          setText(event.currentTarget.value);
        }}
        onKeyDown={onKey}
      />
      <Fault text={fault} />
      {editing === undefined ? null : (
        <button type="button" class="quiet" onClick={onDone}>
          {t("composer.cancel")}
        </button>
      )}
      <button class="primary" disabled={text.trim() === ""}>
        {t(editing === undefined ? "composer.send" : "composer.save")}
      </button>
    </form>
  );
}
