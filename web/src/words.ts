import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";
import { textOf } from "./model.ts";

const list = (users: readonly string[] | undefined): string => (users ?? []).join(", ");

/** An event that is no message, as a sentence. */
export function sentenceOf(event: ChatEvent, me: string): string {
  const from = event.from === me ? "You" : event.from;
  switch (event.kind) {
    case "created":
      return event.name === undefined ? "The conversation begins" : `${from} created “${event.name}”`;
    case "joined":
      return `${from} invited ${list(event.users)}`;
    case "left":
      return event.users?.length === 1 && event.users[0] === event.from
        ? `${from} left`
        : `${from} removed ${list(event.users)}`;
    case "renamed":
      return `${from} renamed it to “${event.name ?? ""}”`;
    case "edited":
      return `${from} edited a message`;
    case "recalled":
      return `${from} took a message back`;
    case "lost":
      return "Something that was said here is lost";
    case "message":
      return event.recalled === undefined ? textOf(event) : "Message taken back";
  }
}

export const timeOf = (ts: number): string =>
  new Date(ts).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
export const dayOf = (ts: number): string =>
  new Date(ts).toLocaleDateString([], { weekday: "long", day: "numeric", month: "long" });
