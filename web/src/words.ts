import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";
import { language, t } from "./i18n.ts";

/** The text of a message; empty if the body was made by another application. */
export const textOf = (event: ChatEvent): string => {
  const text = (event.body as { text?: unknown } | undefined)?.text;
  return typeof text === "string" ? text : "";
};

/** An event as one line: the text of a message, or a sentence that describes the event. */
export function sentenceOf(event: ChatEvent, me: string): string {
  const from = event.from === me ? t("says.you") : event.from;
  const users = (event.users ?? []).map((user) => (user === me ? t("says.you") : user)).join(", ");
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
      return t("says.edited", { from });
    case "recalled":
      return t("says.recalled", { from });
    case "lost":
      return t("says.lost");
    case "message":
      return event.recalled === undefined ? textOf(event) : t("thread.recalled");
    default:
      return t("says.other", { from });
  }
}

export const timeOf = (ts: number): string =>
  new Date(ts).toLocaleTimeString(language(), { hour: "2-digit", minute: "2-digit" });
export const dayOf = (ts: number): string =>
  new Date(ts).toLocaleDateString(language(), { weekday: "long", day: "numeric", month: "long" });

const DAY_MS = 86_400_000;

/** The time for today, the date for earlier days: the list has room for only one. */
export function whenOf(ts: number, now = Date.now()): string {
  const isToday = new Date(ts).toDateString() === new Date(now).toDateString();
  if (isToday) return timeOf(ts);
  const isThisYear = now - ts < 180 * DAY_MS;
  return new Date(ts).toLocaleDateString(
    language(),
    isThisYear ? { day: "numeric", month: "short" } : { year: "numeric", month: "short" },
  );
}
