import { useEffect, useRef, useState } from "preact/hooks";
import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";
import type { Drafts } from "./drafts.ts";
import { Fault } from "./fault.tsx";
import { explain, numberOf, t } from "./i18n.ts";
import type { ChatModel } from "./model.ts";
import { useShown } from "./shown.ts";
import type { TextSize } from "./text-size.ts";
import { sizeOf } from "./text-size.ts";
import { textOf } from "./words.ts";

interface Props {
  readonly model: ChatModel;
  readonly target: string;
  readonly drafts: Drafts;
  readonly editing: ChatEvent | undefined;
  readonly onEditLast: () => void;
  readonly onDone: () => void;
}

export function Composer({ model, target, drafts, editing, onEditLast, onDone }: Props) {
  const [text, write] = useState(editing === undefined ? drafts.of(target) : textOf(editing));
  const [fault, setFault] = useState<string>();
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    area.current?.focus();
  }, []);
  const said = text.trim();
  const bytesMax = useShown(model, ({ client }) => client.limits?.bodyBytes);
  const size = sizeOf(said, bytesMax);
  const setText = (now: string): void => {
    write(now);
    setFault(undefined);
    if (editing === undefined) drafts.set(target, now);
  };
  const submit = (): void => {
    if (said === "" || size.isOver) return;
    if (editing === undefined) {
      try {
        model.send(said);
        setText("");
      } catch (error) {
        setFault(explain(error)); // The text stays: half a character in it, or too many messages that wait.
      }
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
        dir="auto"
        value={text}
        aria-label={t("composer.label")}
        aria-invalid={size.isOver}
        aria-describedby={size.isShown ? "composer-size" : undefined}
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
      <button class="primary" disabled={said === "" || size.isOver}>
        {t(editing === undefined ? "composer.send" : "composer.save")}
      </button>
      <Size size={size} />
    </form>
  );
}

/** The size of a text near the limit. Nothing is cut: what is too long is said, and not sent. */
function Size({ size: { bytes, max, isShown, isOver } }: { readonly size: TextSize }) {
  const values = { bytes: numberOf(bytes), max: numberOf(max), over: numberOf(bytes - max) };
  return (
    <p id="composer-size" class={isOver ? "size fault" : "size"} role="status" hidden={!isShown}>
      {isOver ? t("composer.tooLong", values) : t("composer.size", values)}
    </p>
  );
}
