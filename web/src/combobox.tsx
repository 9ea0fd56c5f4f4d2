import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";

export interface Choice {
  readonly key: string;
  readonly shown: ComponentChildren;
}

interface Props<C extends Choice> {
  readonly label: string;
  readonly hint: string;
  /** The accessible name of the list. */
  readonly listLabel: string;
  readonly text: string;
  readonly onText: (text: string) => void;
  /** Undefined while they are unknown. */
  readonly choices: readonly C[] | undefined;
  readonly onChoose: (choice: C) => void;
  /** Is said below the input, and by screen readers; empty if there is nothing to say. */
  readonly status: string;
  readonly autofocus?: boolean;
}

/** An input with a list of choices. The arrow keys with Enter, or a click, choose one. */
export function Combobox<C extends Choice>(props: Props<C>) {
  const { label, hint, listLabel, text, onText, choices, onChoose, status, autofocus = false } = props;
  const [active, setActive] = useState(0);
  const listId = useId();
  const count = choices?.length ?? 0;
  const choose = (choice: C | undefined): void => {
    if (choice === undefined) return;
    setActive(0);
    onChoose(choice);
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" && count > 0) setActive((active + 1) % count);
    else if (event.key === "ArrowUp" && count > 0) setActive((active + count - 1) % count);
    else if (event.key === "Enter" && (text !== "" || count > 0)) choose(choices?.[active]);
    else if (event.key === "Escape" && text !== "") onText("");
    else return;
    event.preventDefault();
  };
  return (
    <div class="picker">
      <input
        type="search"
        role="combobox"
        list={undefined}
        dir="auto"
        autocomplete="off"
        placeholder={hint}
        aria-label={label}
        aria-expanded={count > 0}
        aria-controls={listId}
        aria-autocomplete="list"
        aria-activedescendant={count > 0 ? `${listId}-${active}` : undefined}
        value={text}
        maxLength={128}
        autofocus={autofocus}
        onInput={(event) => {
          onText(event.currentTarget.value);
          setActive(0);
        }}
        onKeyDown={onKey}
      />
      <div id={listId} role="listbox" aria-label={listLabel} hidden={count === 0}>
        {choices?.map((choice, index) => (
          <div
            key={choice.key}
            id={`${listId}-${index}`}
            role="option"
            aria-selected={index === active}
            onMouseDown={(event) => {
              event.preventDefault(); // Keeps the focus in the input.
            }}
            onClick={() => {
              choose(choice);
            }}
          >
            {choice.shown}
          </div>
        ))}
      </div>
      <small role="status">{status}</small>
    </div>
  );
}
