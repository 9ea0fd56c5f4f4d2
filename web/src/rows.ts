import type { ChatEvent } from "@jichat/protocol/frame/server-frame.ts";
import type { Pending } from "./outgoing.ts";

/** One line of a thread, ready to be drawn. */
export interface EventRow {
  readonly key: string;
  readonly event: ChatEvent;
  /** The first line of its day. */
  readonly isNewDay: boolean;
  /** The first line that was unread when the conversation was opened. */
  readonly isFirstNew: boolean;
  /** Shows the sender: the line before is by someone else, or much older. */
  readonly isHead: boolean;
}
export interface PendingRow {
  readonly key: string;
  readonly pending: Pending;
}
export type Row = EventRow | PendingRow;

const PAUSE_MS = 5 * 60_000;

/** Where the row of a message is; whether older rows have to be loaded for it, or it is not there yet. */
export function placeOf(rows: readonly Row[], seq: number): number | "older" | "nowhere" {
  const at = rows.findIndex((row) => "event" in row && row.event.seq === seq);
  if (at >= 0) return at;
  const [first] = rows;
  return first !== undefined && "event" in first && first.event.seq > seq ? "older" : "nowhere";
}

/**
 * The lines of a thread: `events` in rising seq, then the waiting messages. `readAtOpen` is the read mark
 * when the conversation was opened.
 */
export function rowsOf(
  events: readonly ChatEvent[],
  waiting: readonly Pending[],
  me: string,
  readAtOpen: number | undefined,
): readonly Row[] {
  const rows: Row[] = [];
  let before: ChatEvent | undefined;
  let dayEnds = Number.NEGATIVE_INFINITY;
  let isNewSaid = readAtOpen === undefined;
  for (const event of events) {
    const isNewDay = event.ts >= dayEnds;
    if (isNewDay) dayEnds = new Date(event.ts).setHours(24, 0, 0, 0);
    const isFirstNew = !isNewSaid && event.seq > (readAtOpen ?? 0) && event.from !== me;
    isNewSaid ||= isFirstNew;
    const isHead =
      isNewDay ||
      isFirstNew ||
      before?.kind !== event.kind ||
      before.from !== event.from ||
      event.ts - before.ts > PAUSE_MS;
    rows.push({ key: String(event.seq), event, isNewDay, isFirstNew, isHead });
    before = event;
  }
  for (const pending of waiting) rows.push({ key: pending.id, pending });
  return rows;
}
