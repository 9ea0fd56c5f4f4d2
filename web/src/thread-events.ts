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
  const { target } = event;
  if (target === undefined || (event.kind !== "edited" && event.kind !== "recalled")) return all;
  return all.map((old) => {
    if (old.seq !== target) return old;
    const { body: _, ...rest } = old;
    return event.kind === "recalled"
      ? { ...rest, recalled: event.seq }
      : { ...rest, body: event.body, edited: event.seq };
  });
}

function placed(events: readonly ChatEvent[], event: ChatEvent): readonly ChatEvent[] {
  if (event.seq > (events.at(-1)?.seq ?? 0)) return [...events, event];
  if (events.some(({ seq }) => seq === event.seq)) return events;
  return [...events, event].sort((a, b) => a.seq - b.seq);
}
