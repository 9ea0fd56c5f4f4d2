import { useEffect, useState } from "preact/hooks";
import { searchPeople } from "./page-rest.ts";
import type { Profile } from "./rest.ts";

const SEARCH_DELAY_MS = 200;

export interface PeopleFound {
  /** Undefined while they are unknown. */
  readonly found: readonly Profile[] | undefined;
  readonly isFault: boolean;
}

/** The people for `text`, requested shortly after the last keystroke. */
export function usePeopleSearch(token: string, text: string): PeopleFound {
  const [answer, setAnswer] = useState<{ text: string; found?: readonly Profile[] }>();
  const asked = text.trim();
  useEffect(() => {
    if (asked === "") return undefined;
    let isCurrent = true;
    const timer = setTimeout(() => {
      searchPeople(token, asked).then(
        (found) => {
          if (isCurrent) setAnswer({ text: asked, found });
        },
        () => {
          if (isCurrent) setAnswer({ text: asked });
        },
      );
    }, SEARCH_DELAY_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [asked, token]);
  const isKnown = asked !== "" && answer?.text === asked;
  return { found: isKnown ? answer.found : undefined, isFault: isKnown && answer.found === undefined };
}
