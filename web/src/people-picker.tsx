import { useEffect, useId, useState } from "preact/hooks";
import { t } from "./i18n.ts";
import type { Profile } from "./rest.ts";
import { findUsers } from "./rest.ts";

interface Props {
  readonly token: string;
  readonly label: string;
  readonly hint: string;
  /** Users who are not offered: the user themself, and those who are chosen already. */
  readonly without: readonly string[];
  readonly onChoose: (user: string) => void;
}

const SEARCH_DELAY_MS = 200;
const ID = /^[A-Za-z0-9_-]+$/;

/** Finds people while the user types. The arrow keys with Enter, or a click, choose one. */
export function PeoplePicker({ token, label, hint, without, onChoose }: Props) {
  const [text, setText] = useState("");
  const [active, setActive] = useState(0);
  const listId = useId();
  const { found, fault } = useSearch(token, text);
  const people = found?.filter(({ user }) => !without.includes(user));
  const choose = (user: string | undefined): void => {
    if (user === undefined) return;
    onChoose(user);
    setText("");
    setActive(0);
  };
  const onKey = (event: KeyboardEvent): void => {
    const count = people?.length ?? 0;
    if (event.key === "ArrowDown" && count > 0) setActive((active + 1) % count);
    else if (event.key === "ArrowUp" && count > 0) setActive((active + count - 1) % count);
    else if (event.key === "Enter" && text !== "") choose(people?.[active]?.user);
    else if (event.key === "Escape" && text !== "") setText("");
    else return;
    event.preventDefault();
  };
  const isOpen = text !== "" && people !== undefined && people.length > 0;
  return (
    <div class="picker">
      <input
        type="search"
        role="combobox"
        list={undefined}
        autocomplete="off"
        placeholder={hint}
        aria-label={label}
        aria-expanded={isOpen}
        aria-controls={listId}
        aria-autocomplete="list"
        aria-activedescendant={isOpen ? `${listId}-${active}` : undefined}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setActive(0);
        }}
        onKeyDown={onKey}
      />
      <div id={listId} role="listbox" aria-label={t("people.found")} hidden={!isOpen}>
        {people?.map(({ user, name }, index) => (
          <div
            key={user}
            id={`${listId}-${index}`}
            role="option"
            aria-selected={index === active}
            onMouseDown={(event) => {
              event.preventDefault(); // Keeps the focus in the input.
            }}
            onClick={() => {
              choose(user);
            }}
          >
            {name === undefined ? user : `${name} (${user})`}
          </div>
        ))}
      </div>
      <small role="status">
        {fault ? t("people.fault") : people?.length === 0 && text !== "" ? t("people.nobody") : ""}
      </small>
    </div>
  );
}

/**
 * The search results for `text`, requested shortly after the last keystroke; undefined while they are
 * unknown.
 */
function useSearch(token: string, text: string): { found: readonly Profile[] | undefined; fault: boolean } {
  const [answer, setAnswer] = useState<{ text: string; found?: readonly Profile[]; fault: boolean }>();
  useEffect(() => {
    if (text === "") return undefined;
    if (!ID.test(text)) {
      setAnswer({ text, found: [], fault: false });
      return undefined;
    }
    const timer = setTimeout(() => {
      findUsers(token, text).then(
        (found) => {
          setAnswer({ text, found, fault: false });
        },
        () => {
          setAnswer({ text, fault: true });
        },
      );
    }, SEARCH_DELAY_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [text, token]);
  const isCurrent = answer?.text === text;
  return { found: isCurrent ? answer.found : undefined, fault: isCurrent && answer.fault };
}
