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

/** What rows are made of: the lines in rising seq, and the read mark when the conversation was opened. */
interface Lines {
  readonly events: readonly ChatEvent[];
  readonly me: string;
  readonly readAtOpen: number | undefined;
}

/** The rows of these lines. */
export interface EventRows extends Lines {
  readonly rows: readonly EventRow[];
}

export const pendingRowOf = (pending: Pending): PendingRow => ({ key: pending.id, pending });

/**
 * The rows of a thread. Those of `made`, an earlier call's, stay up to the first line that differs: a new
 * message makes one row, however long the thread is.
 */
export function eventRowsOf(lines: Lines, made?: EventRows): EventRows {
  const { events, me, readAtOpen } = lines;
  const rows = made === undefined ? [] : madeRows(lines, made);
  let before = rows.at(-1)?.event;
  let dayEnds = before === undefined ? Number.NEGATIVE_INFINITY : dayEndOf(before.ts);
  let isNewSaid = readAtOpen === undefined || rows.some(({ isFirstNew }) => isFirstNew);
  for (const event of events.slice(rows.length)) {
    const isNewDay = event.ts >= dayEnds;
    if (isNewDay) dayEnds = dayEndOf(event.ts);
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
  return { events, me, readAtOpen, rows };
}

/** A copy of those rows that are still right. */
function madeRows({ events, me, readAtOpen }: Lines, made: EventRows): EventRow[] {
  if (made.me !== me || made.readAtOpen !== readAtOpen) return [];
  let same = 0;
  while (same < made.events.length && made.events[same] === events[same]) same += 1;
  return made.rows.slice(0, same);
}

const dayEndOf = (ts: number): number => new Date(ts).setHours(24, 0, 0, 0);
