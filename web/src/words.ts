import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";
import { formattedOf, plainOf } from "./formatted.ts";
import { t } from "./i18n.ts";

/** The text of a message; empty if the body was made by another application. */
export const textOf = (event: ChatEvent): string => {
  const text = (event.body as { text?: unknown } | undefined)?.text;
  return typeof text === "string" ? text : "";
};

/** How the page names people: the reader themself, and the display name of a user. */
export interface Naming {
  readonly me: string;
  readonly nameOf: (user: string) => string;
}

/** Whom a sentence about an event names. */
export const namedIn = ({ from, users = [] }: ChatEvent): readonly string[] => [from, ...users];

/** An event as one line: the text of a message, or a sentence that describes the event. */
export function sentenceOf(event: ChatEvent, { me, nameOf }: Naming): string {
  const named = (user: string): string => (user === me ? t("says.you") : nameOf(user));
  const from = named(event.from);
  const users = (event.users ?? []).map(named).join(t("says.and"));
  const name = event.name ?? "";
  switch (event.kind) {
    case "created":
      return name === "" ? t("says.begins") : t("says.created", { from, name });
    case "joined":
      return t("says.joined", { from, users });
    case "left":
      return event.users?.length === 1 && event.users[0] === event.from
        ? t("says.left", { from })
        : t("says.removed", { from, users });
    case "renamed":
      return t("says.renamed", { from, name });
    case "edited":
      return t("says.edited", { text: plainTextOf(event) });
    case "recalled":
      return t("thread.recalled");
    case "lost":
      return t("says.lost");
    case "pinned":
      return t("says.pinned", { from });
    case "unpinned":
      return t("says.unpinned", { from });
    case "message":
      return event.recalled === undefined ? plainTextOf(event) : t("thread.recalled");
    default:
      return t("says.other", { from });
  }
}

/** Events are never changed in place, so each is parsed once for all drawings of the list. */
const plain = new WeakMap<ChatEvent, string>();

function plainTextOf(event: ChatEvent): string {
  const text = plain.get(event) ?? plainOf(formattedOf(textOf(event)));
  plain.set(event, text);
  return text;
}
