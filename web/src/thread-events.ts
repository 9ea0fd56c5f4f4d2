import { isChange, withChange } from "@jichat/conversation/changes.ts";
import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";

/** The loaded part of a conversation: contiguous, in rising seq. */
export interface Thread {
  events: readonly ChatEvent[];
  atFirst: boolean;
  loading: boolean;
  /**
   * The read mark when the conversation was opened with unread messages. The line "new messages" is drawn
   * there.
   */
  readAtOpen: number | undefined;
}

/**
 * `events` with `event` inserted in order. A message that `event` edits or recalls is shown in its present
 * form.
 */
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
