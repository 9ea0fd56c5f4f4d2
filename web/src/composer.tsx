import { useEffect, useRef, useState } from "preact/hooks";
import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";
import type { ChatModel } from "./model.ts";
import { textOf } from "./model.ts";

interface Props {
  readonly model: ChatModel;
  readonly target: string;
  readonly editing: ChatEvent | undefined;
  readonly onDone: () => void;
}

/** A body is at most 8 KB of JSON: this many characters fit whatever they are. */
const TEXT_MAX = 2_000;

export function Composer({ model, target, editing, onDone }: Props) {
  const [text, setText] = useState(editing === undefined ? "" : textOf(editing));
  const [fault, setFault] = useState<string>();
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    area.current?.focus();
  }, []);
  const submit = (): void => {
    const said = text.trim();
    if (said === "") return;
    if (editing === undefined) {
      void model.send(target, said);
      setText("");
      return;
    }
    model.change(editing, said).then(onDone, (error: unknown) => {
      setFault(error instanceof Error ? error.message : String(error));
    });
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && editing !== undefined) onDone();
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <textarea
        ref={area}
        rows={1}
        maxLength={TEXT_MAX}
        value={text}
        aria-label="Message"
        placeholder={editing === undefined ? "Write a message" : "Change the message"}
        onInput={(event) => {
          setText(event.currentTarget.value);
        }}
        onKeyDown={onKey}
      />
      {fault === undefined ? null : (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      {editing === undefined ? null : (
        <button type="button" class="quiet" onClick={onDone}>
          Cancel
        </button>
      )}
      <button class="primary" disabled={text.trim() === ""}>
        {editing === undefined ? "Send" : "Save"}
      </button>
    </form>
  );
}
