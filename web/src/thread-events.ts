import { isChange, withChange } from "@jichat/conversation/changes.ts";
import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";

/** What is loaded of a conversation: contiguous, rising in seq. */
export interface Thread {
  events: readonly ChatEvent[];
  atFirst: boolean;
  loading: boolean;
  /** The read mark when it was opened with something unread: there the line "new messages" stands. */
  readAtOpen: number | undefined;
}

/** `events` with `event` at its place; what it edits or recalls is shown as it is now. */
export function withEvent(events: readonly ChatEvent[], event: ChatEvent): readonly ChatEvent[] {
  const all = placed(events, event);
  if (!isChange(event)) return all;
  return all.map((old) => (old.seq === event.target ? withChange(old, event) : old));
}

function placed(events: readonly ChatEvent[], event: ChatEvent): readonly ChatEvent[] {
  if (event.seq > (events.at(-1)?.seq ?? 0)) return [...events, event];
  if (events.some(({ seq }) => seq === event.seq)) return events;
  return [...events, event].sort((a, b) => a.seq - b.seq);
}
