import { isChange, withChange } from "@jichat/conversation/changes.ts";
import type { ConversationEvent, LineEvent } from "../events.ts";

const LINES: ReadonlySet<ConversationEvent<unknown>["kind"]> = new Set([
  "message",
  "created",
  "joined",
  "left",
  "renamed",
  "lost",
] satisfies LineEvent<unknown>["kind"][]);

/** Whether the event is a line of its own. Kinds of later versions are none. */
export const isLine = <B>(event: ConversationEvent<B>): event is LineEvent<B> => LINES.has(event.kind);

/**
 * The line after the event, which may come again or late. An edit without a body is of a message that was
 * recalled since: the recall is to come. Returns the same object if nothing changes.
 */
export function folded<B>(line: LineEvent<B>, event: ConversationEvent<B>): LineEvent<B> {
  if (!isChange(event) || event.target !== line.seq) return line;
  if (line.kind !== "message" || line.recalled !== undefined || (line.edited ?? 0) >= event.seq) return line;
  if (event.kind === "edited" && event.body === undefined) return line;
  return withChange<B>(line, event) as LineEvent<B>;
}

/** Whether the user joins with this event, and sees nothing from before it. */
export const isBirthOf = (user: string, event: ConversationEvent<unknown>): boolean =>
  (event.kind === "created" || event.kind === "joined") && names(event, user);

/** Whether the event is about the user. The servers' frames are not checked as far as that. */
export const names = ({ users }: { readonly users?: readonly string[] | undefined }, user: string): boolean =>
  users?.includes(user) === true;
